"""``python -m chassis.replica_set HOST:PORT``: make a MongoDB server a replica set of one, once (for containers)."""

import sys
import time

from pymongo import MongoClient, errors

_WAIT_SECONDS = 60.0


def main(host: str) -> int:
    """0 as soon as the server is a writable primary; 1 if it is not within a minute."""
    deadline = time.monotonic() + _WAIT_SECONDS
    with MongoClient[dict[str, object]](f"mongodb://{host}/?directConnection=true") as client:
        while time.monotonic() < deadline:
            try:
                if client.admin.command("hello").get("isWritablePrimary"):
                    return 0
                client.admin.command("replSetInitiate", {"_id": "rs0", "members": [{"_id": 0, "host": host}]})
            except errors.PyMongoError as error:
                # not listening yet, initiated already and electing, or initiated by another: ask again
                print(f"waiting for {host}: {error}", flush=True)
            time.sleep(0.5)
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
