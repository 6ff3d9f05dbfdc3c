"""credentials: {_id: userId, email, name, nameVersion, role, status, statusVersion, recoverableUntil, passwordHash,
              passwordVersion?, emailVerified, sessionsVersion, createdAt, outbox}

``nameVersion`` and ``statusVersion`` are versions of user-service's document, the source of both: each is applied
only if it is newer, apart from the other, since an event tells one of them. ``sessionsVersion`` rises with each
session that is opened and each act that ends all of them: so that the one conflicts with the other.
``passwordVersion`` rises with each other password (the first has none), not with a new hash of the same.
"""

from datetime import datetime

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession

from auth_service.domain import Status
from chassis import outbox
from chassis.events import Event
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

    def by_email(self, email: str, session: ClientSession | None = None) -> Document | None:
        return self._credentials.find_one({"email": email}, session=session)

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

    def replace_hash(self, user_id: str, outdated: str, renewed: str) -> None:
        """Store the same password's new hash, unless the password was changed meanwhile."""
        self._credentials.update_one({"_id": user_id, "passwordHash": outdated}, {"$set": {"passwordHash": renewed}})

    def set_password(self, credential: Document, hashed: str, events: list[Event], session: ClientSession) -> bool:
        """Replace the password and announce it; False if it is no longer the one of ``credential``."""
        changed = self._credentials.update_one(
            {"_id": credential["_id"], "passwordVersion": credential.get("passwordVersion")},
            {
                "$set": {"passwordHash": hashed},
                "$inc": {"passwordVersion": 1},
                "$push": outbox.announce(*events),
            },
            session=session,
        )
        return changed.matched_count == 1

    def set_verified(self, user_id: str, events: list[Event], session: ClientSession | None = None) -> None:
        """Mark the address as verified and announce it, if it was not."""
        self._credentials.update_one(
            {"_id": user_id, "emailVerified": {"$ne": True}},
            {"$set": {"emailVerified": True}, "$push": outbox.announce(*events)},
            session=session,
        )

    def let_in(self, credential: Document, announcement: Event, session: ClientSession) -> bool:
        """Whether the account is open and has the password that was checked, and stays so until this commits."""
        passed = self._credentials.update_one(
            {"_id": credential["_id"], "status": Status.ACTIVE, "passwordVersion": credential.get("passwordVersion")},
            {"$inc": {"sessionsVersion": 1}, "$push": outbox.announce(announcement)},
            session=session,
        )
        return passed.matched_count == 1

    def fence_sessions(self, user_id: str, session: ClientSession) -> None:
        """Let no session be opened between what this transaction has read and its commit.

        A session that is inserted meanwhile is not among those that it sees and ends: two transactions that write
        different documents can both commit (write skew), so both write this one.
        """
        self._credentials.update_one({"_id": user_id}, {"$inc": {"sessionsVersion": 1}}, session=session)

    def erase(self, user_id: str, session: ClientSession) -> None:
        self._credentials.delete_one({"_id": user_id}, session=session)
