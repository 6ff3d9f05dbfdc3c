"""What MongoDB recorded of a service's queries: how each was planned, and how much it looked at."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, request

from chassis.api import operations
from chassis.mongo import Database
from chassis.urls import BASE_PATH


class Profile:
    """The profiler's records of one database: reads and writes with their plans."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen = 0

    def new(self) -> list[dict[str, Any]]:
        """What was recorded since this was asked last, its own reading aside."""
        own = f"{self._database.db.name}.system.profile"
        wanted = {"ns": {"$ne": own}, "planSummary": {"$exists": True}}
        records = list(self._database["system.profile"].find(wanted).sort("$natural", 1))
        fresh, self._seen = records[self._seen :], len(records)
        return fresh


@contextmanager
def profiled(database: Database) -> Iterator[Profile]:
    """Record every operation on the database until the end of the block.

    Make what there is to be found first: the profiler's collection holds 16 MiB, so that nothing of a test is lost.
    """
    database.db.command("profile", 0)
    database["system.profile"].drop()
    database.db.create_collection("system.profile", capped=True, size=16 * 1024 * 1024)
    database.db.command("profile", 2)
    try:
        yield Profile(database)
    finally:
        database.db.command("profile", 0)


def assert_indexed(records: list[dict[str, Any]], *, examined: int) -> None:
    """Each was answered from an index, in the index's order, and looked at no more documents than ``examined``.

    Keys may be twice as many: to step over a gap is to look at one more key.
    """
    assert records, "nothing was recorded"
    for record in records:
        told = {name: record.get(name) for name in ("op", "ns", "command", "planSummary", "docsExamined")}
        assert "COLLSCAN" not in record["planSummary"], told
        assert not record.get("hasSortStage"), told
        assert record.get("docsExamined", 0) <= examined, told
        assert record.get("keysExamined", 0) <= 2 * examined + 2, told


class Visits:
    """Which of an app's operations were called, so that a test of all of them can say that it left none out."""

    def __init__(self, app: Flask) -> None:
        self._declared = {(item.method, item.path) for item in operations(app)}
        self._made: set[tuple[str, str]] = set()

        @app.after_request
        def note(response: Any) -> Any:
            rule = request.url_rule
            if rule is not None and response.status_code < 400:
                self._made.add((request.method, rule.rule.removeprefix(BASE_PATH)))
            return response

    def missing(self) -> set[tuple[str, str]]:
        """(method, path) of the operations that nobody has called with success."""
        return self._declared - self._made
