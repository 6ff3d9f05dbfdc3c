"""docker-compose.yml and the Dockerfiles: every process of the table, with all that a container must have."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from devkit import dotenv
from devkit.layout import ROOT, SERVICES, Service
from devkit.processes import OFFSETS, Plan

COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
#: What runs once; what runs when somebody asks for it; and the rest.
ONCE = {name for name in COMPOSE["services"] if name == "database" or name.endswith("-migrate")}
CALLED = {name for name, part in COMPOSE["services"].items() if part.get("profiles")}
LASTING = COMPOSE["services"].keys() - ONCE - CALLED
#: Given by docker-compose.yml itself, or only for local servers.
NOT_IN_CONTAINERS = {"MONGODB_URI", "AMQP_URL", "PORT", "METRICS_PORT", "ERASURE_LEDGER"}
NOT_IN_CONTAINERS |= {"MONGODB_MEMBERS", "MONGODB_ELECTION_MS"}


def local_processes(folder: Path) -> dict[str, list[str]]:
    """The command of each process of a service by the name that it has in containers."""
    settings = {"RABBITMQ_USER": "", "RABBITMQ_PASSWORD": ""}
    plan = Plan(folder, dict.fromkeys(OFFSETS, 1), settings, folder)
    found = {process.name: process.recipe.argv for process in plan.processes() if process.stage == 2}
    return {
        "gateway" if name == "gateway-web" else name.replace("-web", "-service"): [Path(argv[0]).name, *argv[1:]]
        for name, argv in found.items()
    }


def test_every_process_of_the_table_runs_in_a_container_of_its_own(tmp_path: Path) -> None:
    local = local_processes(tmp_path)
    assert {name for name in LASTING if is_ours(name)} == set(local)
    for name in local:
        # without a command it is the image's
        command = COMPOSE["services"][name].get("command") or image_command(name)
        assert command == local[name], name


def is_ours(name: str) -> bool:
    return str(COMPOSE["services"][name]["image"]).startswith("appointment-suite/")


def image_command(name: str) -> list[str]:
    text = (ROOT / name / "Dockerfile").read_text()
    return [str(part) for part in yaml.safe_load(text.rpartition("CMD ")[2])]


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_a_container_can_do_little_and_takes_its_share(name: str) -> None:
    part = COMPOSE["services"][name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid"} & part.keys()
    assert {"cpus", "mem_limit", "pids_limit"} <= part.keys()
    assert part["logging"]["options"]["max-size"]
    # of an image of ours its Dockerfile says who it runs as
    assert part.get("user", "root") != "root" if not is_ours(name) else "user" not in part


@pytest.mark.parametrize("name", sorted(LASTING))
def test_what_runs_on_is_watched_restarted_and_given_time_to_end(name: str) -> None:
    part = COMPOSE["services"][name]
    assert part["healthcheck"]["test"][0] == "CMD"
    assert part["restart"] == "unless-stopped"
    assert part["stop_grace_period"] == "40s"
    assert part["init"] is True


def test_only_the_gateway_is_published_and_it_sees_no_database() -> None:
    assert {name for name in LASTING | ONCE if "ports" in COMPOSE["services"][name]} == {"gateway"}
    assert COMPOSE["networks"]["data"]["internal"] is True
    assert not set(COMPOSE["services"]["gateway"]["networks"]) & set(COMPOSE["services"]["mongo"]["networks"])


def test_each_service_is_another_user_of_the_database_and_waits_for_its_migrations() -> None:
    for service in SERVICES[1:]:
        user = f"mongodb://{service.folder_name}:${{{service.name.upper()}_MONGODB_PASSWORD:?make env}}@"
        own = [name for name in COMPOSE["services"] if f"/{service.folder_name}:" in COMPOSE["services"][name]["image"]]
        for name in set(own) - {"database"} - CALLED:
            part = COMPOSE["services"][name]
            uri = part["environment"]["MONGODB_URI"]
            assert uri == f"{user}mongo:27017/{service.folder_name}?replicaSet=rs0", name
            needed = "database" if name in ONCE else f"{service.name}-migrate"
            assert part["depends_on"][needed]["condition"] == "service_completed_successfully", name
    users = COMPOSE["services"]["database"]["environment"]["MONGODB_USERS"]
    assert re.findall(r"(\S+):\$\{(\w+):\?make env}", users) == [
        (service.folder_name, f"{service.name.upper()}_MONGODB_PASSWORD") for service in SERVICES[1:]
    ]


def test_secrets_come_from_outside_and_go_to_whom_they_are_for() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    # no default: what is missing stops the start
    assert not re.findall(r"\$\{[A-Z_]*(?:PASSWORD|MONGODB_KEY|REFRESH_SECRET):-[^}]+\}", text)
    for name, part in COMPOSE["services"].items():
        given = part.get("environment", {})
        if not name.startswith("auth-"):
            assert not {"JWT_PRIVATE_KEY", "JWT_REFRESH_SECRET", "ADMIN_PASSWORD"} & given.keys(), name
        assert ("MONGODB_ROOT_PASSWORD" in given) == (name == "database")
        assert ("MONGODB_KEY" in given) == (name == "mongo")


def test_every_documented_variable_reaches_a_container() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    read = set(re.findall(r"\$\{([A-Z0-9_]+)", text))
    documented = dotenv.documented_names(ROOT / ".env.example")
    assert documented - read == NOT_IN_CONTAINERS
    assert read - documented == set()


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_the_dockerfiles_are_one_in_shape(service: Service) -> None:
    def shape(of: Service) -> str:
        text = (of.folder / "Dockerfile").read_text().replace(" && install -d -o service /erasures", "")
        text = "\n".join(line for line in text.splitlines() if not line.startswith("# "))
        return (
            text.replace(of.folder_name, "<folder>").replace(of.package, "<package>").replace("<folder>", "<package>")
        )

    assert shape(service) == shape(SERVICES[1])
    assert "\nUSER service\n" in shape(service)
