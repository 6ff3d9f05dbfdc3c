"""sessions: {_id, userId, deviceName, userAgent, ip, createdAt, lastUsedAt, expiresAt, generation, tokenHash,
           rotatedAt, keys?: [{from, id}], revokedAt?, revokedFor?}

``keys`` says from which generation on the tokens were made under the key with that id. Sessions of before keys had
ids lack it: all their tokens are of one key. A revoked session stays, revoked, until its last access token has
expired; nothing takes ``revokedAt`` away.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession

from auth_service.domain import Reason
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

    def add(self, document: Document, session: ClientSession) -> None:
        self._sessions.insert_one(document, session=session)

    def find_live(self, session_id: str, now: datetime) -> Document | None:
        """A session that is neither revoked nor expired."""
        return self._sessions.find_one({"_id": session_id, **_live(now)})

    def live(self, user_id: str, now: datetime) -> list[Document]:
        """A user's live sessions, last used first."""
        return list(self._sessions.find({"userId": user_id, **_live(now)}).sort("lastUsedAt", DESCENDING))

    def live_ids(self, user_id: str, now: datetime, session: ClientSession) -> list[str]:
        """The ids of a user's live sessions, last used first."""
        found = self._sessions.find({"userId": user_id, **_live(now)}, {"_id": 1}, session=session)
        return [document["_id"] for document in found.sort("lastUsedAt", DESCENDING)]

    def people(self, now: datetime) -> list[str]:
        """The ids of everybody who has a live session."""
        found = self._sessions.aggregate([{"$match": _live(now)}, {"$group": {"_id": "$userId"}}])
        return [person["_id"] for person in found]

    def of(self, user_id: str) -> list[Document]:
        return list(self._sessions.find({"userId": user_id}))

    def rotate(
        self,
        session_id: str,
        presented: Mapping[str, str],
        successor: str,
        key_id: str,
        now: datetime,
        expires_at: datetime,
    ) -> Document | None:
        """Replace the current token's hash, if it is still one of ``presented``; the session after, or None.

        ``presented`` is {hash: key id}, one for each key that the token may have been made under; ``key_id`` is the
        successor's. One conditional update: of any number of concurrent refreshes with one token, one passes.
        """
        hashes, ids = list(presented), list(presented.values())
        matched: Document = {"$arrayElemAt": [ids, {"$indexOfArray": [hashes, "$tokenHash"]}]}
        renewed = {"tokenHash": successor, "rotatedAt": now, "lastUsedAt": now, "expiresAt": expires_at}
        span: list[Document] = [{"from": "$generation", "id": key_id}]
        return self._sessions.find_one_and_update(
            {"_id": session_id, "tokenHash": {"$in": hashes}, **_live(now)},
            [
                {
                    "$set": {
                        "keys": {"$ifNull": ["$keys", [{"from": 1, "id": matched}]]},
                        "generation": {"$add": ["$generation", 1]},
                        **{name: {"$literal": value} for name, value in renewed.items()},
                    }
                },
                {
                    "$set": {
                        "keys": {
                            "$cond": [
                                {"$eq": [{"$last": "$keys.id"}, key_id]},
                                "$keys",
                                {"$concatArrays": ["$keys", span]},
                            ]
                        }
                    }
                },
            ],
            return_document=ReturnDocument.AFTER,
        )

    def revoke(
        self,
        session_ids: list[str],
        user_id: str,
        reason: Reason,
        now: datetime,
        until: datetime,
        session: ClientSession,
    ) -> list[str]:
        """End those of the user's sessions that are live; their ids."""
        chosen = {"_id": {"$in": session_ids}, "userId": user_id, **_live(now)}
        ended = [document["_id"] for document in self._sessions.find(chosen, {"_id": 1}, session=session)]
        self._sessions.update_many(
            {"_id": {"$in": ended}},
            {"$set": {"revokedAt": now, "revokedFor": reason, "expiresAt": until}},
            session=session,
        )
        return ended

    def erase(self, user_id: str, session: ClientSession) -> None:
        self._sessions.delete_many({"userId": user_id}, session=session)


def _live(now: datetime) -> dict[str, Any]:
    return {"revokedAt": None, "expiresAt": {"$gt": now}}
