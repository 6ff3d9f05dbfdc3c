"""``python -m chassis.replica_set HOST:PORT…``: make MongoDB servers one replica set, once (for containers)."""

import sys
import time
from collections.abc import Sequence

from pymongo import MongoClient, errors

_WAIT_SECONDS = 60.0


def main(hosts: Sequence[str]) -> int:
    """0 as soon as one of the servers is a writable primary; 1 if none is within a minute."""
    members = [{"_id": number, "host": host} for number, host in enumerate(hosts)]
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        for host in hosts:
            try:
                with MongoClient[dict[str, object]](
                    f"mongodb://{host}/?directConnection=true", serverSelectionTimeoutMS=2_000
                ) as client:
                    if client.admin.command("hello").get("isWritablePrimary"):
                        return 0
                    if host == hosts[0]:
                        client.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
            except errors.PyMongoError as error:
                # not listening yet, initiated already and electing, or initiated by another: ask again
                print(f"waiting for {host}: {error}", flush=True)
        time.sleep(0.5)
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
