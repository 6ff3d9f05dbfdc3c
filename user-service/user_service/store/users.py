"""users: {_id: userId, email, emailVerified, name, phone, avatarUrl, locale, timezone, role, status,
deletion, scheduledDeletionAt, suspension, closedAt, createdAt, updatedAt, version, search, outbox}

deletion: null or {reason, comment, requestedAt}; suspension: null or {reason, at, by}; closedAt: the instant that the
account stopped being ACTIVE, null while it is; search: [name, email] as they are compared.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.client_session import ClientSession

from chassis import outbox
from chassis.events import Event
from chassis.mongo import Database, Document, update_and_read
from user_service.domain import Role, Status
from user_service.store.paging import Key, older

COLLECTION = "users"
INDEXES = [
    IndexModel([("email", ASCENDING)], name="email_unique", unique=True),
    IndexModel(
        [("status", ASCENDING), ("role", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)],
        name="listing",
    ),
    IndexModel([("search", ASCENDING)], name="search"),
    IndexModel(
        [("scheduledDeletionAt", ASCENDING)],
        name="due_deletions",
        partialFilterExpression={"status": Status.DELETED},
    ),
    # of those that are not ACTIVE: nulls are no instants
    IndexModel(
        [("closedAt", ASCENDING)],
        name="closures",
        partialFilterExpression={"closedAt": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}},
    ),
    outbox.INDEX,
]

# greater than any text that begins with the prefix before it
_LAST_LETTER = "\U0010ffff"


class Users:
    """The people, each with the events that are still to be published."""

    def __init__(self, database: Database) -> None:
        self._users = database[COLLECTION]

    def get(self, user_id: str, session: ClientSession | None = None) -> Document | None:
        return self._users.find_one({"_id": user_id}, session=session)

    def names(self, user_ids: Iterable[str]) -> dict[str, str]:
        """The names of those of these users who are still there, by id."""
        found = self._users.find({"_id": {"$in": list(user_ids)}}, {"name": 1})
        return {user["_id"]: user["name"] for user in found}

    def ensure(self, user: Document, session: ClientSession) -> Document:
        """The user as stored, made from ``user`` if there was none; the earliest ``createdAt`` told stands.

        Raises DuplicateKeyError if another user has the address.
        """
        fresh = {key: value for key, value in user.items() if key not in ("_id", "createdAt")}
        update = {"$setOnInsert": fresh, "$min": {"createdAt": user["createdAt"]}}
        stored = update_and_read(self._users, {"_id": user["_id"]}, update, upsert=True, session=session)
        assert stored is not None  # an upsert leaves one, whoever made it
        return stored

    def change(
        self,
        user: Document,
        changes: Document,
        announce: Callable[[Document], Event],
        at: datetime,
        session: ClientSession | None = None,
    ) -> Document | None:
        """Write the next version of ``user`` with its event; None if it is no longer as it was read."""
        changes = {**changes, "updatedAt": at, "version": user["version"] + 1}
        changed = {**user, **changes}
        written = self._users.update_one(
            {"_id": user["_id"], "version": user["version"]},
            {"$set": changes, "$push": outbox.announce(announce(changed))},
            session=session,
        )
        return changed if written.matched_count else None

    def listed(
        self, *, status: Status | None, role: Role | None, prefix: str | None, after: Key | None, limit: int
    ) -> list[Document]:
        """Up to ``limit`` users, newest first, after the key (createdAt, id).

        What is not asked for is spelt out as every value that there is: the index then serves each
        combination in order, by merging its ranges.
        """
        wanted: Document = {
            "status": {"$in": [status] if status else list(Status)},
            "role": {"$in": [role] if role else list(Role)},
            **older("createdAt", after),
        }
        if prefix is not None:
            # the two bounds hold for one element, not each for any
            wanted["search"] = {"$elemMatch": {"$gte": prefix, "$lt": prefix + _LAST_LETTER}}
        found = self._users.find(wanted).sort([("createdAt", DESCENDING), ("_id", DESCENDING)])
        return list(found.limit(limit))

    def closed_since(self, instant: datetime) -> dict[str, datetime]:
        """{user id: when} of the accounts that stopped being ACTIVE after ``instant`` and are not again."""
        found = self._users.find({"closedAt": {"$gt": instant}, "status": {"$ne": Status.ACTIVE}}, {"closedAt": 1})
        return {user["_id"]: user["closedAt"] for user in found}

    def due(self, now: datetime, limit: int) -> list[str]:
        """Ids of deleted users whose window has passed, longest waiting first."""
        found = self._users.find({"status": Status.DELETED, "scheduledDeletionAt": {"$lte": now}}, {"_id": 1})
        return [user["_id"] for user in found.sort("scheduledDeletionAt", ASCENDING).limit(limit)]

    def take_due(self, user_id: str, now: datetime, session: ClientSession) -> Document | None:
        """Remove a user who is still deleted and due; the document as it was, or None."""
        due = {"_id": user_id, "status": Status.DELETED, "scheduledDeletionAt": {"$lte": now}}
        return self._users.find_one_and_delete(due, session=session)

    def take(self, user_id: str, session: ClientSession) -> Document | None:
        """Remove a user, whatever state the account is in; the document as it was, or None."""
        return self._users.find_one_and_delete({"_id": user_id}, session=session)
