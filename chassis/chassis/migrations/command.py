"""``python -m <package>.migrate up | down [TO] | status``: what an operator does with a service's migrations."""

import argparse
import sys
from collections.abc import Sequence

from pymongo.errors import PyMongoError

from chassis.clock import instant_text
from chassis.migrations.indexes import IndexRefused
from chassis.migrations.lock import WAIT_SECONDS, LockHeld, LockLost
from chassis.migrations.runner import MigrationFailed, Migrator, NotOurs, Status
from chassis.mongo import Document

EX_PENDING = 3
"""Exit status where something is pending or missing."""


def run(migrator: Migrator, arguments: Sequence[str]) -> int:
    """The exit status: 0; 1 if it failed, the reason on stderr; EX_PENDING of ``status``; argparse's 2."""
    parser = argparse.ArgumentParser(prog="migrate", description=__doc__)
    ways = parser.add_subparsers(dest="way", required=True)
    ways.add_parser("up", help="run what is pending, and again what an older process may have written past")
    down = ways.add_parser("down", help="take back the newest, or all after TO")
    down.add_argument("to", nargs="?", metavar="TO", help="name or number of the last one to keep; 000 for none")
    ways.add_parser("status", help=f"show what ran and what is pending; exit status {EX_PENDING} if anything is")
    given = parser.parse_args(arguments)
    try:
        if given.way == "status":
            return _show(migrator.status())
        if given.way == "up":
            ran = migrator.up()
            repeated = [name for name in migrator.repeat(WAIT_SECONDS) if name not in ran]
            _say("applied", ran)
            _say("repeated", repeated)
        else:
            _say("taken back", migrator.down(given.to))
    except (MigrationFailed, IndexRefused, LockHeld, LockLost, NotOurs) as error:
        print(f"migrate: {error}", file=sys.stderr)
        return 1
    except PyMongoError as error:
        # the message may name a document's values
        print(f"migrate: the database failed: {type(error).__name__}", file=sys.stderr)
        return 1
    return 0


def _say(what: str, names: Sequence[str]) -> None:
    print(f"{what}: {', '.join(names) or 'nothing'}")


def _show(status: Status) -> int:
    for name in sorted({*status.records, *status.pending}):
        print(f"{name:40} {_described(status.records.get(name), unknown=name in status.unknown)}")
    if status.holder:
        print(f"lock: held by {status.holder['owner']} until {instant_text(status.holder['expiresAt'])}")
    for what, names in (("missing", status.missing), ("undeclared", status.undeclared)):
        if names:
            print(f"{what} indexes: {', '.join(names)}")
    return EX_PENDING if status.pending or status.missing else 0


def _described(record: Document | None, *, unknown: bool) -> str:
    if record is None:
        return "pending"
    parts = [record["state"] if record["state"] == "applied" else f"pending ({record['state']})"]
    if unknown:
        parts = [f"{record['state']}, unknown to this code: a newer version's"]
    if "at" in record:
        parts.append(instant_text(record["at"]))
    if failed := record.get("failed"):
        parts.append(f"failed {failed['way']} {instant_text(failed['at'])}: {failed['error']} at {failed['where']}")
    return ", ".join(parts)
