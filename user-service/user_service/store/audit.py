"""audit: {_id: entryId, at, action, refusedFor, actorId, actorRole, subjectId, objectId, address, requestId?, source}

Entries are added and read. Nothing here changes or removes one, except that an erasure clears its person's addresses.
"""

from dataclasses import dataclass
from datetime import datetime

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.client_session import ClientSession

from chassis.mongo import Database, Document
from user_service.store.paging import Key, older

COLLECTION = "audit"
_NEWEST_FIRST = [("at", DESCENDING), ("_id", DESCENDING)]
INDEXES = [
    IndexModel(_NEWEST_FIRST, name="listing"),
    # the last keys are for filters beside the first one: what they leave out is not even read
    IndexModel(
        [("actorId", ASCENDING), *_NEWEST_FIRST, ("subjectId", ASCENDING), ("action", ASCENDING)], name="of_actor"
    ),
    IndexModel(
        [("subjectId", ASCENDING), *_NEWEST_FIRST, ("actorId", ASCENDING), ("action", ASCENDING)], name="of_subject"
    ),
    IndexModel([("action", ASCENDING), *_NEWEST_FIRST], name="of_action"),
]


@dataclass(frozen=True)
class Filters:
    """Which entries are asked for: ``since`` is the first instant, ``until`` the first one after; None for all."""

    actor_id: str | None = None
    subject_id: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Entries:
    """Who did what to whom."""

    def __init__(self, database: Database) -> None:
        self._entries = database[COLLECTION]

    def add(self, entry: Document, session: ClientSession | None = None) -> None:
        """Keep an entry; again is the same as once."""
        fresh = {key: value for key, value in entry.items() if key != "_id"}
        self._entries.update_one({"_id": entry["_id"]}, {"$setOnInsert": fresh}, upsert=True, session=session)

    def listed(self, filters: Filters, after: Key | None, limit: int) -> list[Document]:
        """Up to ``limit`` entries, newest first, after the key (at, id)."""
        equal = {"actorId": filters.actor_id, "subjectId": filters.subject_id, "action": filters.action}
        conditions: list[Document] = [{field: value} for field, value in equal.items() if value is not None]
        conditions += [{"at": {"$gte": filters.since}}] if filters.since else []
        conditions += [{"at": {"$lt": filters.until}}] if filters.until else []
        conditions += [older("at", after)] if after else []
        return self._newest({"$and": conditions} if conditions else {}, limit)

    def by_others(self, user_id: str, after: Key | None, limit: int) -> list[Document]:
        """Up to ``limit`` entries about a person that are not by that person, newest first, after the key."""
        return self._newest({"subjectId": user_id, "actorId": {"$ne": user_id}, **older("at", after)}, limit)

    def of_subject(self, user_id: str) -> list[Document]:
        """Every entry about a person, newest first."""
        return list(self._entries.find({"subjectId": user_id}).sort(_NEWEST_FIRST))

    def forget_addresses(self, user_id: str, session: ClientSession) -> None:
        """Clear the addresses in all that a person did and all that was done to it."""
        for role in ("actorId", "subjectId"):
            self._entries.update_many(
                {role: user_id, "address": {"$ne": None}}, {"$set": {"address": None}}, session=session
            )

    def _newest(self, wanted: Document, limit: int) -> list[Document]:
        return list(self._entries.find(wanted).sort(_NEWEST_FIRST).limit(limit))
