"""Make local mongods one replica set with a writable primary: `python -m devkit.replica_set SECONDS ELECTION_MS PORT…`.

It runs in the tools environment, the one that is sure to have pymongo.
"""

import sys
import time
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

_NOT_YET_INITIALIZED = 94


def main() -> int:
    timeout, election_ms, *ports = map(int, map(float, sys.argv[1:]))
    deadline = time.monotonic() + timeout
    while True:
        try:
            if _has_primary(ports, election_ms):
                return 0
            problem = "no member is a writable primary yet"
        except PyMongoError as error:
            problem = str(error)
        if time.monotonic() >= deadline:
            print(problem)
            return 1
        time.sleep(0.1)


def _has_primary(ports: list[int], election_ms: int) -> bool:
    clients = [
        MongoClient[dict[str, Any]]("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=1000)
        for port in ports
    ]
    try:
        _configure(clients, [f"127.0.0.1:{port}" for port in ports], election_ms)
        return any(client.admin.command("hello").get("isWritablePrimary") for client in clients)
    finally:
        for client in clients:
            client.close()


def _configure(clients: list[MongoClient[dict[str, Any]]], hosts: list[str], election_ms: int) -> None:
    members = [{"_id": number, "host": host} for number, host in enumerate(hosts)]
    settings = {"electionTimeoutMillis": election_ms, "heartbeatTimeoutSecs": max(1, election_ms // 1000)}
    known = [(config, client) for client in clients if (config := _config(client))]
    if not known:
        clients[0].admin.command("replSetInitiate", {"_id": "rs0", "members": members, "settings": settings})
        return
    # The latest, if they differ: the others learn it from who has it, and follow who has the latest data.
    config, client = max(known, key=lambda each: int(each[0]["version"]))
    same = [each["host"] for each in config["members"]] == hosts
    if same and config["settings"].items() >= settings.items():
        return
    # The data remembers the ports it was last served on; without this a server would not find itself in its own set.
    changed = {**config, "members": members, "settings": {**config["settings"], **settings}}
    client.admin.command("replSetReconfig", changed, force=True)


def _config(client: MongoClient[dict[str, Any]]) -> dict[str, Any] | None:
    try:
        config: dict[str, Any] = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != _NOT_YET_INITIALIZED:
            raise
        return None
    return config


if __name__ == "__main__":
    sys.exit(main())
