"""erasures: {_id: userId, role, startedAt, awaiting: [service], receipts: {service: erasedAt}, completedAt}."""

from datetime import datetime

from pymongo import DESCENDING, IndexModel
from pymongo.client_session import ClientSession

from chassis.mongo import Database, Document
from user_service.store.paging import Key, older

COLLECTION = "erasures"
INDEXES = [IndexModel([("startedAt", DESCENDING), ("_id", DESCENDING)], name="listing")]


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

    def listed(self, after: Key | None, limit: int) -> list[Document]:
        """Up to ``limit`` erasures, newest first, after the key (startedAt, id)."""
        found = self._erasures.find(older("startedAt", after))
        return list(found.sort([("startedAt", DESCENDING), ("_id", DESCENDING)]).limit(limit))
