"""What every service's folder has, and what no file holds."""

import json
import re
import subprocess

import pytest

from devkit.layout import ROOT, SERVICES, Service

EVERYWHERE = (
    *("README.md", "Dockerfile", "Makefile", "pyproject.toml"),
    *("requirements.lock", "gunicorn.conf.py", ".importlinter"),
)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_has_all_that_its_team_needs(service: Service) -> None:
    assert [name for name in EVERYWHERE if not (service.folder / name).exists()] == []
    assert list((service.folder / "tests").rglob("test_*.py"))
    contract = "\n".join(file.read_text() for file in (service.folder / "tests" / "contract").glob("test_*.py"))
    assert f'statements.check("{service.folder_name}")' in contract
    assert f'unlocked("{service.folder_name}")' in contract
    assert f"{service.folder_name}/requirements.lock" in (service.folder / "Dockerfile").read_text()
    assert service.name == "gateway" or (ROOT / "contracts" / "openapi" / f"{service.folder_name}.json").exists()
    assert service.name == "gateway" or (service.folder / service.package / "migrations" / "__init__.py").exists()


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_imports_no_other(service: Service) -> None:
    others = "|".join(other.package for other in SERVICES if other is not service)
    for file in (service.folder / service.package).rglob("*.py"):
        assert not re.search(rf"^\s*(from|import) ({others})\b", file.read_text(), re.MULTILINE), file


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_lock_holds_versions_and_hashes_and_no_address(service: Service) -> None:
    lock = service.lock.read_text()
    assert "--hash=sha256:" in lock
    assert "://" not in lock


def test_every_route_declares_who_may_call_it() -> None:
    known = {"public", "self", "patient", "doctor", "admin"}
    files = list((ROOT / "contracts" / "routes").glob("*.json"))
    assert len(files) == len(SERVICES) - 1
    for file in files:
        for route in json.loads(file.read_text()):
            assert set(route["access"].split("|")) <= known, f"{file.name}: {route}"


def test_no_file_is_bound_to_this_machine() -> None:
    found = subprocess.run(["git", "grep", "-lF", "-e", str(ROOT), "--", "."], cwd=ROOT, capture_output=True, text=True)
    assert found.stdout == ""
