"""revocations: {_id, userId, sessionIds, reason, at, until, outbox}

One document for each act of ending sessions, kept until no access token of theirs can be in use any more.
"""

from datetime import datetime

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession

from chassis import outbox
from chassis.mongo import Database, Document

COLLECTION = "revocations"
INDEXES = [
    IndexModel([("until", ASCENDING)], name="expiry", expireAfterSeconds=3600),
    IndexModel([("userId", ASCENDING)], name="of_user"),
    outbox.INDEX,
]


class Revocations:
    """What every gateway process must know."""

    def __init__(self, database: Database) -> None:
        self._revocations = database[COLLECTION]

    def add(self, revocation: Document, session: ClientSession | None = None) -> None:
        self._revocations.insert_one(revocation, session=session)

    def in_force(self, now: datetime) -> dict[str, datetime]:
        """{session id: until} of all sessions that ended and whose access tokens may still be out."""
        found = self._revocations.find({"until": {"$gt": now}}, {"sessionIds": 1, "until": 1})
        return {identifier: item["until"] for item in found for identifier in item["sessionIds"]}

    def of(self, user_id: str) -> list[Document]:
        return list(self._revocations.find({"userId": user_id}))

    def erase(self, user_id: str, session: ClientSession) -> None:
        self._revocations.delete_many({"userId": user_id}, session=session)
