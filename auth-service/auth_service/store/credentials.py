"""credentials: {_id: userId, email, name, nameVersion, role, status, statusVersion, recoverableUntil, passwordHash,
              createdAt, outbox}

``nameVersion`` and ``statusVersion`` are versions of user-service's document, the source of both: each is applied
only if it is newer, apart from the other, since an event tells one of them.
"""

from datetime import datetime

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession

from auth_service.domain import Status
from chassis import outbox
from chassis.mongo import Database, Document

COLLECTION = "credentials"
INDEXES = [
    IndexModel([("email", ASCENDING)], name="email_unique", unique=True),
    IndexModel([("role", ASCENDING)], name="admins", partialFilterExpression={"role": "admin"}),
    outbox.INDEX,
]


class Credentials:
    """Who may sign in, and with what."""

    def __init__(self, database: Database) -> None:
        self._credentials = database[COLLECTION]

    def add(self, credential: Document, session: ClientSession | None = None) -> None:
        """Raises DuplicateKeyError if the address is taken."""
        self._credentials.insert_one(credential, session=session)

    def by_email(self, email: str) -> Document | None:
        return self._credentials.find_one({"email": email})

    def find(self, user_id: str, session: ClientSession | None = None) -> Document | None:
        return self._credentials.find_one({"_id": user_id}, session=session)

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
        self._credentials.delete_one({"_id": user_id}, session=session)
