"""The replica set and the users that containers get, on a server that asks who it is talking to."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from chassis import replica_set
from chassis.mongo import Document
from devkit import mongod, ports
from devkit.recipes import Recipe
from devkit.servers import end_group

SETTINGS = {
    "MONGODB_ROOT_PASSWORD": "first",
    "MONGODB_OPERATOR_PASSWORD": "operators",
    "MONGODB_USERS": "thing-service:things other-service:others",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[int]:
    """The port of a server that is no replica set yet, and has no users."""
    folder, key = tmp_path, tmp_path / "key"
    key.write_text(secrets.token_hex(64))
    key.chmod(0o400)
    block = ports.PortBlock.take()
    argv = [mongod.binary(), "--replSet", "rs0", "--keyFile", str(key), "--dbpath", str(folder)]
    argv += ["--bind_ip", "127.0.0.1", "--port", str(block.start), "--unixSocketPrefix", str(folder)]
    child = Recipe(argv, str(folder), dict(os.environ)).start(folder / "recipe.json", folder / "mongod.log")
    try:
        yield block.start
    finally:
        end_group(child)
        block.release()


def client(port: int, user: str, password: str, source: str) -> MongoClient[Document]:
    uri = f"mongodb://{user}:{password}@127.0.0.1:{port}/{source}?replicaSet=rs0"
    return MongoClient(uri, serverSelectionTimeoutMS=5_000)


def test_each_user_sees_its_own_database_and_a_password_can_be_changed(server: int) -> None:
    assert replica_set.main([f"127.0.0.1:{server}"], SETTINGS) == 0
    with client(server, "thing-service", "things", "thing-service") as things:
        things["thing-service"]["things"].insert_one({"_id": "one"})
        things["thing-service"]["things"].create_index("name")
        for ask in (things["other-service"]["others"].find_one, things["admin"]["system.users"].find_one):
            with pytest.raises(OperationFailure, match="not authorized"):
                ask()
    with client(server, "operator", "operators", "") as operator:
        assert operator["thing-service"]["things"].count_documents({}) == 1
        assert operator.admin.command("replSetGetStatus")["set"] == "rs0"
        operator.drop_database("other-service")
        with pytest.raises(OperationFailure, match="not authorized"):
            operator.admin.command("createUser", "mallory", pwd="mallory", roles=["root"])

    changed = SETTINGS | {"MONGODB_USERS": "thing-service:new other-service:others"}
    assert replica_set.main([f"127.0.0.1:{server}"], changed) == 0
    with client(server, "thing-service", "new", "thing-service") as things:
        things["thing-service"]["things"].find_one()
    with (
        client(server, "thing-service", "things", "thing-service") as former,
        pytest.raises(OperationFailure, match="Authentication failed"),
    ):
        former["thing-service"]["things"].find_one()
