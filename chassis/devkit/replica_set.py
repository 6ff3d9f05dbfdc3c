"""Make a lone mongod the writable primary of its replica set: `python -m devkit.replica_set PORT TIMEOUT`.

It runs in the tools environment, the one that is sure to have pymongo.
"""

import sys
import time
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

_NOT_YET_INITIALIZED = 94


def main() -> int:
    port, timeout = int(sys.argv[1]), float(sys.argv[2])
    deadline = time.monotonic() + timeout
    while True:
        try:
            with MongoClient[dict[str, object]](
                "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=1000
            ) as client:
                _configure(client, f"127.0.0.1:{port}")
                if client.admin.command("hello").get("isWritablePrimary"):
                    return 0
            problem = "it is not a writable primary yet"
        except PyMongoError as error:
            problem = str(error)
        if time.monotonic() >= deadline:
            print(problem)
            return 1
        time.sleep(0.1)


def _configure(client: MongoClient[dict[str, object]], member: str) -> None:
    members = [{"_id": 0, "host": member}]
    config: Any
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != _NOT_YET_INITIALIZED:
            raise
        client.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
        return
    # The data remembers the port it was last served on; without this the server would not find itself in its own set.
    if [each["host"] for each in config["members"]] != [member]:
        client.admin.command("replSetReconfig", {**config, "members": members}, force=True)


if __name__ == "__main__":
    sys.exit(main())
