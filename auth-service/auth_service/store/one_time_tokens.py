"""oneTimeTokens: {_id: requestId, kind: RESET|VERIFY, userId, tokenHash, createdAt, expiresAt, usedAt?, outbox?}

``userId`` is null in a decoy: what was asked for an address without an account, so that both cost the same.
"""

from datetime import datetime

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession

from auth_service.one_time_tokens import Purpose
from chassis import outbox
from chassis.mongo import Database, Document

COLLECTION = "oneTimeTokens"
INDEXES = [
    IndexModel([("userId", ASCENDING)], name="of_user"),
    IndexModel([("expiresAt", ASCENDING)], name="expiry", expireAfterSeconds=0),
    outbox.INDEX,
]


class OneTimeTokens:
    """What was mailed, as hashes, until it expires."""

    def __init__(self, database: Database) -> None:
        self._tokens = database[COLLECTION]

    def add(self, document: Document, session: ClientSession) -> None:
        self._tokens.insert_one(document, session=session)

    def find(self, request_id: str, now: datetime) -> Document | None:
        """One that has not expired, used or not."""
        return self._tokens.find_one({"_id": request_id, "userId": {"$ne": None}, "expiresAt": {"$gt": now}})

    def use(self, request_id: str, now: datetime, session: ClientSession | None = None) -> bool:
        """Mark one as used; False if it was, or has expired: of any number of concurrent uses one passes."""
        used = self._tokens.update_one(
            {"_id": request_id, "usedAt": None, "expiresAt": {"$gt": now}}, {"$set": {"usedAt": now}}, session=session
        )
        return used.matched_count == 1

    def void(self, user_id: str, purpose: Purpose, now: datetime, session: ClientSession) -> None:
        """Mark all of a user's for one purpose as used."""
        self._tokens.update_many(
            {"userId": user_id, "kind": purpose, "usedAt": None}, {"$set": {"usedAt": now}}, session=session
        )

    def of(self, user_id: str) -> list[Document]:
        return list(self._tokens.find({"userId": user_id}))

    def erase(self, user_id: str, session: ClientSession) -> None:
        self._tokens.delete_many({"userId": user_id}, session=session)
