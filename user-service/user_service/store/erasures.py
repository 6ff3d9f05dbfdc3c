"""erasures: {_id: userId, role, version, startedAt, awaiting: [service], receipts: {service: erasedAt}, completedAt,
announcements, announcedAt, outbox}

awaiting and receipts name the ledger of erasures, where one is kept, like a service;
version: the user's last; announcements: how often ``user-deleted`` was announced, announcedAt: when it was last.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.client_session import ClientSession

from chassis import outbox
from chassis.events import Event
from chassis.mongo import Database, Document
from user_service.store.paging import Key, older

COLLECTION = "erasures"
LEDGER = "ledger"
_NEWEST_FIRST = [("startedAt", DESCENDING), ("_id", DESCENDING)]
INDEXES = [
    IndexModel(_NEWEST_FIRST, name="listing"),
    IndexModel([("completedAt", ASCENDING), *_NEWEST_FIRST], name="listing_by_completion"),
    IndexModel([("completedAt", ASCENDING), ("announcedAt", ASCENDING)], name="late"),
    IndexModel([(f"receipts.{LEDGER}", ASCENDING), ("startedAt", ASCENDING)], name="unledgered"),
    outbox.INDEX,
]


class Erasures:
    """Who was purged when, and whose receipt is still awaited."""

    def __init__(self, database: Database) -> None:
        self._erasures = database[COLLECTION]

    def begin(self, erasure: Document, session: ClientSession) -> None:
        self._erasures.insert_one(erasure, session=session)

    def add_receipt(
        self, user_id: str, service: str, erased_at: datetime, now: datetime, session: ClientSession
    ) -> None:
        """Note that a service has erased; the last one completes it. Again is the same as once."""
        self._erasures.update_one(
            {"_id": user_id, "awaiting": service},
            {"$pull": {"awaiting": service}, "$set": {f"receipts.{service}": erased_at}},
            session=session,
        )
        self._erasures.update_one(
            {"_id": user_id, "awaiting": [], "completedAt": None}, {"$set": {"completedAt": now}}, session=session
        )

    def begin_again(self, erasure: Document, session: ClientSession) -> None:
        """Begin an erasure, in the place of the one that may have been begun before."""
        self._erasures.replace_one({"_id": erasure["_id"]}, erasure, upsert=True, session=session)

    def get(self, user_id: str, session: ClientSession) -> Document | None:
        return self._erasures.find_one({"_id": user_id}, session=session)

    def all_begun(self) -> Iterator[tuple[str, datetime]]:
        """(user id, when) of every purge."""
        for erasure in self._erasures.find({}, {"startedAt": 1}):
            yield erasure["_id"], erasure["startedAt"]

    def incomplete_of(self, user_ids: Iterable[str]) -> list[str]:
        """Those of these users who were not erased completely: their erasure is open, or was never begun."""
        wanted = list(user_ids)
        done = self._erasures.find({"_id": {"$in": wanted}, "completedAt": {"$ne": None}}, {"_id": 1})
        complete = {erasure["_id"] for erasure in done}
        return [user_id for user_id in wanted if user_id not in complete]

    def unledgered(self, limit: int) -> dict[str, datetime]:
        """{user id: when} of up to ``limit`` purges that are not known to be in the ledger, earliest first."""
        found = self._erasures.find({f"receipts.{LEDGER}": None}, {"startedAt": 1}).sort("startedAt", ASCENDING)
        return {erasure["_id"]: erasure["startedAt"] for erasure in found.limit(limit)}

    def set_ledgered(self, user_ids: list[str], now: datetime, session: ClientSession) -> None:
        """Note that these are in the ledger, whether it was awaited or they were complete before there was one."""
        theirs = {"_id": {"$in": user_ids}}
        self._erasures.update_many(
            theirs, {"$pull": {"awaiting": LEDGER}, "$set": {f"receipts.{LEDGER}": now}}, session=session
        )
        self._erasures.update_many(
            {**theirs, "awaiting": [], "completedAt": None}, {"$set": {"completedAt": now}}, session=session
        )

    def unanswered(self, since: datetime, limit: int) -> list[Document]:
        """Up to ``limit`` erasures that await a service, not announced after ``since``, longest waiting first."""
        services = {"$elemMatch": {"$ne": LEDGER}}
        found = self._erasures.find({"completedAt": None, "announcedAt": {"$lte": since}, "awaiting": services})
        return list(found.sort("announcedAt", ASCENDING).limit(limit))

    def announce_again(self, erasure: Document, announcement: Event, at: datetime) -> bool:
        """Announce an erasure once more; False if it was completed, or announced, since it was read."""
        announced = self._erasures.update_one(
            {"_id": erasure["_id"], "completedAt": None, "announcements": erasure["announcements"]},
            {"$set": {"announcedAt": at}, "$inc": {"announcements": 1}, "$push": outbox.announce(announcement)},
        )
        return announced.matched_count == 1

    def begun_since(self, instant: datetime) -> dict[str, datetime]:
        """{user id: when} of the purges after ``instant``."""
        found = self._erasures.find({"startedAt": {"$gt": instant}}, {"startedAt": 1})
        return {erasure["_id"]: erasure["startedAt"] for erasure in found}

    def count_open(self, before: datetime | None = None) -> int:
        """How many are not complete, up to 10,000; of those alone that began before an instant, if one is given."""
        where: Document = {"completedAt": None} | ({"startedAt": {"$lt": before}} if before else {})
        return self._erasures.count_documents(where, hint="listing_by_completion", limit=10_000)

    def listed(self, after: Key | None, limit: int, *, is_open: bool | None) -> list[Document]:
        """Up to ``limit`` erasures, newest first, after the key (startedAt, id): open or complete ones, or all."""
        wanted = older("startedAt", after)
        if is_open is not None:
            wanted["completedAt"] = None if is_open else {"$ne": None}
        return list(self._erasures.find(wanted).sort(_NEWEST_FIRST).limit(limit))
