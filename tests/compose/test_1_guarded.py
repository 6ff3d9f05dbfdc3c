"""What a container may do, and what each service may see. First, while every container is the one that was started."""

import json
import shlex

import pika
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from devkit.compose import docker
from devkit.layout import SERVICES
from devkit.waiting import eventually
from tests.client import Gateway
from tests.compose.stack import Stack
from tests.walkthrough import Day

#: Asks, as a service's process would, for what is another's; prints what it was told.
_LOOK_AT_ANOTHERS = """
import os, sys, pymongo
client = pymongo.MongoClient(os.environ["MONGODB_URI"])
own, other = sys.argv[1:]
client[own]["marks"].find_one()
def told(ask):
    try:
        ask()
    except pymongo.errors.OperationFailure as error:
        return error.code
    return "allowed"
print(told(lambda: client[other]["marks"].find_one()), told(lambda: client[other]["marks"].insert_one({"_id": "x"})),
      told(lambda: client.admin.command("replSetGetStatus")), [n for n in client.list_database_names() if n != own])
"""


def test_the_demo_is_walked_through(stack: Stack, gateway: Gateway) -> None:
    Day(gateway.url, stack.settings["ADMIN_EMAIL"], stack.settings["ADMIN_PASSWORD"], print).run()
    (catcher,) = stack.project.containers("mail")
    eventually(lambda: "Subject: Confirm your e-mail address" in docker("logs", catcher), timeout=60, every=1)


def test_no_container_is_more_than_it_must_be(stack: Stack) -> None:
    for service, (container, *_) in stack.running().items():
        found = stack.looked_at(container)
        host = found["HostConfig"]
        assert docker("exec", container, "id", "-u").strip() != "0", f"{service} runs as root"
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert not host["CapAdd"], service
        assert not host["Privileged"], service
        assert host["Memory"] > 0, service
        assert host["NanoCpus"] > 0, service
        tried = docker("exec", container, "bash", "-c", "touch /own 2>&1 || true")
        assert "Read-only file system" in tried, f"{service}: {tried}"
        status = docker("exec", container, "cat", "/proc/1/status")
        assert "CapEff:\t0000000000000000" in status, service
        assert "NoNewPrivs:\t1" in status, service


def test_only_the_gateway_is_published(stack: Stack) -> None:
    published = {name for name, found in stack.running().items() for one in found if stack.published(one)}
    assert published == {"gateway"}


def test_the_gateway_does_not_reach_the_database(stack: Stack) -> None:
    look = f"import socket; socket.create_connection(({stack.address('mongo')!r}, 27017), timeout=3)"
    (container,) = stack.project.containers("gateway")
    answer = docker("exec", container, "bash", "-c", f"python -c {shlex.quote(look)} 2>&1 || true")
    assert "Error" in answer, "it was connected"


@pytest.mark.parametrize("service", [service.folder_name for service in SERVICES[1:]])
def test_a_service_sees_its_own_database_alone(stack: Stack, service: str) -> None:
    other = "user-service" if service != "user-service" else "auth-service"
    (container,) = stack.project.containers(service)
    answer = docker("exec", container, "python", "-c", _LOOK_AT_ANOTHERS, service, other)
    assert answer.split(maxsplit=3) == ["13", "13", "13", "[]\n"]


def test_nobody_sees_anything_without_a_password(stack: Stack) -> None:
    with MongoClient[object](f"mongodb://{stack.address('mongo')}:27017/?directConnection=true") as client:
        with pytest.raises(OperationFailure, match="requires authentication"):
            client["auth-service"]["credentials"].find_one()
        # the door by which the first user came is closed
        with pytest.raises(OperationFailure, match="requires authentication"):
            client.admin.command("createUser", "mallory", pwd="mallory", roles=["root"])


def test_the_broker_knows_no_guest(stack: Stack) -> None:
    url = f"amqp://guest:guest@{stack.address('rabbitmq')}:5672/%2F"
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        pika.BlockingConnection(pika.URLParameters(url))


def test_no_image_holds_a_secret(stack: Stack) -> None:
    secrets = {value for name, value in stack.settings.items() if name.endswith(("_SECRET", "_PASSWORD", "_KEY"))}
    for containers in stack.running().values():
        image = stack.looked_at(containers[0])["Image"]
        told = docker("history", "--no-trunc", image) + json.dumps(stack.looked_at(image)["Config"])
        assert not [secret for secret in secrets if secret in told]
