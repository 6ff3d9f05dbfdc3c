"""sessions: {_id, userId, deviceName, userAgent, ip, createdAt, lastUsedAt, expiresAt, generation, tokenHash,
rotatedAt, revokedAt?, revokedFor?}
"""

from datetime import datetime

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession

from chassis.mongo import Database, Document

COLLECTION = "sessions"
INDEXES = [
    IndexModel([("userId", ASCENDING), ("lastUsedAt", DESCENDING)], name="of_user"),
    IndexModel([("expiresAt", ASCENDING)], name="expiry", expireAfterSeconds=0),
]


class Sessions:
    """One document for each device that is signed in."""

    def __init__(self, database: Database) -> None:
        self._sessions = database[COLLECTION]

    def add(self, document: Document, session: ClientSession | None = None) -> None:
        self._sessions.insert_one(document, session=session)

    def find_live(self, session_id: str, now: datetime) -> Document | None:
        """A session that is neither revoked nor expired."""
        return self._sessions.find_one({"_id": session_id, "revokedAt": None, "expiresAt": {"$gt": now}})

    def live(self, user_id: str, now: datetime) -> list[Document]:
        found = self._sessions.find({"userId": user_id, "revokedAt": None, "expiresAt": {"$gt": now}})
        return list(found.sort("lastUsedAt", DESCENDING))

    def rotate(
        self, session_id: str, presented: str, successor: str, now: datetime, expires_at: datetime
    ) -> Document | None:
        """Replace the current token's hash, if it is still ``presented``; the session after, or None.

        One conditional update: of any number of concurrent refreshes with one token, one passes.
        """
        return self._sessions.find_one_and_update(
            {"_id": session_id, "tokenHash": presented, "revokedAt": None, "expiresAt": {"$gt": now}},
            {
                "$set": {"tokenHash": successor, "rotatedAt": now, "lastUsedAt": now, "expiresAt": expires_at},
                "$inc": {"generation": 1},
            },
            return_document=ReturnDocument.AFTER,
        )

    def revoke(self, session_id: str, user_id: str, reason: str, now: datetime) -> bool:
        """End one session of a user; False if there is no such live session."""
        ended = self._sessions.update_one(
            {"_id": session_id, "userId": user_id, "revokedAt": None},
            {"$set": {"revokedAt": now, "revokedFor": reason}},
        )
        return ended.matched_count == 1

    def revoke_all(
        self,
        user_id: str,
        reason: str,
        now: datetime,
        session: ClientSession | None = None,
        except_id: str | None = None,
    ) -> None:
        self._sessions.update_many(
            {"userId": user_id, "revokedAt": None, "_id": {"$ne": except_id}},
            {"$set": {"revokedAt": now, "revokedFor": reason}},
            session=session,
        )

    def erase(self, user_id: str, session: ClientSession) -> None:
        self._sessions.delete_many({"userId": user_id}, session=session)
