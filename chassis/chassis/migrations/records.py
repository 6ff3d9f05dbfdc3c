"""What a database knows of its migrations, by its own clock.

migrations: {_id: name, state, at, ms, failed?: {way, at, error, where}, history: [{state, at, ms} or a failure]}

``state``: applying, applied, reverting, reverted. What is neither applied nor reverted was begun and did not end.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pymongo.collection import Collection

from chassis.migrations.lock import LOCK
from chassis.mongo import Document

COLLECTION = "migrations"
_LONGEST_HISTORY = 50


class Records:
    """The only place that talks to the records."""

    def __init__(self, collection: Collection[Document]) -> None:
        self._records = collection

    def all(self) -> dict[str, Document]:
        """Every record by its migration's name, in the order of the numbers."""
        return {record["_id"]: record for record in self._records.find({"_id": {"$ne": LOCK}}).sort("_id", 1)}

    def applied(self) -> dict[str, datetime]:
        """{name: instant it ran at} of those that are in force."""
        return {record["_id"]: record["at"] for record in self._records.find({"state": "applied"})}

    def applied_within(self, period: timedelta, names: Sequence[str]) -> list[str]:
        """Those of the names that were applied less than a period ago."""
        since = {"$subtract": ["$$NOW", period // timedelta(milliseconds=1)]}
        recent = {"_id": {"$in": list(names)}, "state": "applied", "$expr": {"$gt": ["$at", since]}}
        return [record["_id"] for record in self._records.find(recent, {"_id": 1}).sort("_id", 1)]

    def begin(self, name: str, state: str) -> None:
        """Note that it is under way: whoever comes after a runner that died knows that it did not end."""
        self._records.update_one({"_id": name}, {"$set": {"state": state}}, upsert=True)

    def finish(self, name: str, state: str, milliseconds: int) -> None:
        entry = {"state": state, "at": "$$NOW", "ms": milliseconds}
        self._records.update_one({"_id": name}, [{"$set": {**entry, "history": _with(entry)}}, {"$unset": "failed"}])

    def fail(self, name: str, way: str, error: str, where: str) -> None:
        failure = {"way": way, "at": "$$NOW", "error": {"$literal": error}, "where": {"$literal": where}}
        line = {"state": "failed", **failure}
        self._records.update_one({"_id": name}, [{"$set": {"failed": failure, "history": _with(line)}}])

    def forget_failure(self, name: str) -> None:
        self._records.update_one({"_id": name}, {"$unset": {"failed": ""}})


def _with(entry: Document) -> Document:
    return {"$slice": [{"$concatArrays": [{"$ifNull": ["$history", []]}, [entry]]}, -_LONGEST_HISTORY]}
