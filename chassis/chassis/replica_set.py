"""``python -m chassis.replica_set HOST:PORT…``: make a replica set of MongoDB servers, and its users (for containers).

To be run on the host of the first server, and again at will: a server without users lets only its own host make one.

- MONGODB_ROOT_PASSWORD: of ``root``, the first user, who makes the others.
- MONGODB_OPERATOR_PASSWORD: of ``operator``, who may do everything with the databases of the users below.
- MONGODB_USERS: ``name:password``, separated by spaces; each reads and writes the database of its name, and no other.

A user that is there gets the password and the roles again: whoever changes a password runs it anew.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import MongoClient, errors
from pymongo.database import Database

_WAIT_SECONDS = 60.0
_UNAUTHORIZED = 13
_USER_NOT_FOUND = 11

Roles = list[dict[str, str] | str]


def main(hosts: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """0 as soon as the first server is a writable primary and has the users; 1 if that is not within a minute."""
    users = dict(entry.split(":", 1) for entry in environ["MONGODB_USERS"].split())
    address = f"mongodb://127.0.0.1:{hosts[0].rpartition(':')[2]}/?directConnection=true"
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            if _is_primary(address, hosts, environ["MONGODB_ROOT_PASSWORD"]):
                _make_users(address, environ["MONGODB_ROOT_PASSWORD"], environ["MONGODB_OPERATOR_PASSWORD"], users)
                return 0
        except errors.PyMongoError as error:
            # not listening yet, electing, or initiated by another: ask again
            print(f"waiting for {hosts[0]}: {error}", flush=True)
        time.sleep(0.5)
    return 1


def _is_primary(address: str, hosts: Sequence[str], root_password: str) -> bool:
    """Whether the first server takes writes, from whom it takes them: its first user is made, if it has none."""
    with MongoClient[dict[str, Any]](address, serverSelectionTimeoutMS=2_000) as client:
        state = client.admin.command("hello")
        if "setName" not in state:
            members = [{"_id": number, "host": host} for number, host in enumerate(hosts)]
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
        if not state["isWritablePrimary"]:
            return False
        try:
            _create(client.admin, "root", root_password, ["root"])
        except errors.OperationFailure as error:
            # it has users: from now on nobody makes one without being known
            if error.code != _UNAUTHORIZED:
                raise
        return True


def _make_users(address: str, root_password: str, operator_password: str, users: Mapping[str, str]) -> None:
    with MongoClient[dict[str, Any]](
        address, username="root", password=root_password, serverSelectionTimeoutMS=2_000
    ) as client:
        every: Roles = [{"role": role, "db": name} for name in users for role in ("readWrite", "dbAdmin")]
        _ensure(client.admin, "operator", operator_password, [*every, "clusterMonitor"])
        for name, password in users.items():
            # the user belongs to its database, which is where a URI with that path looks for it
            _ensure(client[name], name, password, ["readWrite"])


def _ensure(database: Database[dict[str, Any]], name: str, password: str, roles: Roles) -> None:
    try:
        database.command("updateUser", name, pwd=password, roles=roles)
    except errors.OperationFailure as error:
        if error.code != _USER_NOT_FOUND:
            raise
        _create(database, name, password, roles)


def _create(database: Database[dict[str, Any]], name: str, password: str, roles: Roles) -> None:
    database.command("createUser", name, pwd=password, roles=roles)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
