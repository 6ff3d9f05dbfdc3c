"""auth-service's documents, indexes and questions.

credentials: {_id: userId, email, name, nameVersion, role, status, statusVersion, recoverableUntil, passwordHash,
              createdAt, outbox}
sessions:    {_id, userId, deviceName, userAgent, ip, createdAt, lastUsedAt, expiresAt, generation, tokenHash,
              rotatedAt, revokedAt?, revokedFor?}

``nameVersion`` and ``statusVersion`` are versions of user-service's document, the source of both: each is applied
only if it is newer, apart from the other, since an event tells one of them.
"""

from datetime import datetime

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession

from auth_service.domain import Status
from chassis import inbox, outbox, tombstones
from chassis.mongo import Database, Document

CREDENTIALS = "credentials"
SESSIONS = "sessions"
OUTBOXES = (CREDENTIALS, tombstones.COLLECTION)

INDEXES = {
    CREDENTIALS: [
        IndexModel([("email", ASCENDING)], name="email_unique", unique=True),
        IndexModel([("role", ASCENDING)], name="admins", partialFilterExpression={"role": "admin"}),
        outbox.INDEX,
    ],
    SESSIONS: [
        IndexModel([("userId", ASCENDING), ("lastUsedAt", DESCENDING)], name="of_user"),
        IndexModel([("expiresAt", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ],
    inbox.COLLECTION: [inbox.INDEX],
    tombstones.COLLECTION: tombstones.INDEXES,
}


class Store:
    """The only place that talks to auth-service's database."""

    def __init__(self, database: Database) -> None:
        self._credentials = database[CREDENTIALS]
        self._sessions = database[SESSIONS]

    def add_credential(self, credential: Document, session: ClientSession | None = None) -> None:
        """Raises DuplicateKeyError if the address is taken."""
        self._credentials.insert_one(credential, session=session)

    def credential_by_email(self, email: str) -> Document | None:
        return self._credentials.find_one({"email": email})

    def credential(self, user_id: str) -> Document | None:
        return self._credentials.find_one({"_id": user_id})

    def has_admin(self) -> bool:
        return self._credentials.find_one({"role": "admin"}, {"_id": 1}) is not None

    def set_name(self, user_id: str, name: str, version: int, session: ClientSession) -> None:
        self._credentials.update_one(
            {"_id": user_id, "nameVersion": {"$lt": version}},
            {"$set": {"name": name, "nameVersion": version}},
            session=session,
        )

    def set_status(
        self,
        user_id: str,
        status: Status,
        version: int,
        session: ClientSession,
        *,
        recoverable_until: datetime | None = None,
    ) -> bool:
        """Apply a status of user-service's; False if a newer one is here already."""
        applied = self._credentials.update_one(
            {"_id": user_id, "statusVersion": {"$lt": version}},
            {"$set": {"status": status, "statusVersion": version, "recoverableUntil": recoverable_until}},
            session=session,
        )
        return applied.matched_count == 1

    def erase(self, user_id: str, session: ClientSession) -> None:
        """Delete the credential and every session."""
        self._credentials.delete_one({"_id": user_id}, session=session)
        self._sessions.delete_many({"userId": user_id}, session=session)

    def add_session(self, document: Document, session: ClientSession | None = None) -> None:
        self._sessions.insert_one(document, session=session)

    def session(self, session_id: str, now: datetime) -> Document | None:
        """A session that is neither revoked nor expired."""
        return self._sessions.find_one({"_id": session_id, "revokedAt": None, "expiresAt": {"$gt": now}})

    def sessions_of(self, user_id: str, now: datetime) -> list[Document]:
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

    def revoke_all(self, user_id: str, reason: str, now: datetime, session: ClientSession | None = None) -> None:
        self._sessions.update_many(
            {"userId": user_id, "revokedAt": None},
            {"$set": {"revokedAt": now, "revokedFor": reason}},
            session=session,
        )
