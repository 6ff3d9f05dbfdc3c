"""user-service's documents, indexes and questions.

users:     {_id: userId, email, emailVerified, name, phone, avatarUrl, locale, timezone, role, status,
            deletion, scheduledDeletionAt, createdAt, updatedAt, version, search, outbox}
            deletion: null or {reason, comment, requestedAt}; search: [name, email] as they are compared
relations: {_id: appointmentId, doctorId, patientId, version, cancelled}: who sees or saw whom
erasures:  {_id: userId, role, startedAt, awaiting: [service], receipts: {service: erasedAt}, completedAt}
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession

from chassis import inbox, outbox, tombstones
from chassis.events import Event
from chassis.mongo import Database, Document
from user_service.domain import Role, Status

USERS = "users"
RELATIONS = "relations"
ERASURES = "erasures"
OUTBOXES = (USERS, tombstones.COLLECTION)

INDEXES = {
    USERS: [
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
        outbox.INDEX,
    ],
    RELATIONS: [
        IndexModel([("doctorId", ASCENDING), ("patientId", ASCENDING)], name="of_doctor"),
        IndexModel([("patientId", ASCENDING)], name="of_patient"),
    ],
    ERASURES: [IndexModel([("startedAt", DESCENDING), ("_id", DESCENDING)], name="listing")],
    inbox.COLLECTION: [inbox.INDEX],
    tombstones.COLLECTION: tombstones.INDEXES,
}

# greater than any text that begins with the prefix before it
_LAST_LETTER = "\U0010ffff"


class Store:
    """The only place that talks to user-service's database."""

    def __init__(self, database: Database) -> None:
        self._users = database[USERS]
        self._relations = database[RELATIONS]
        self._erasures = database[ERASURES]

    # users

    def user(self, user_id: str) -> Document | None:
        return self._users.find_one({"_id": user_id})

    def ensure(self, user: Document, session: ClientSession) -> Document:
        """The user as stored, made from ``user`` if there was none; the earliest ``createdAt`` told stands.

        Raises DuplicateKeyError if another user has the address.
        """
        fresh = {key: value for key, value in user.items() if key not in ("_id", "createdAt")}
        stored = self._users.find_one_and_update(
            {"_id": user["_id"]},
            {"$setOnInsert": fresh, "$min": {"createdAt": user["createdAt"]}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        assert stored is not None  # an upsert leaves one, whoever made it
        return stored

    def change(self, user_id: str, version: int, changes: Document, announcement: Event) -> bool:
        """Set fields and the next version, and announce it; False if ``version`` is not current."""
        changed = self._users.update_one(
            {"_id": user_id, "version": version},
            {"$set": {**changes, "version": version + 1}, "$push": outbox.announce(announcement)},
        )
        return changed.matched_count == 1

    def users(
        self,
        *,
        status: Status | None,
        role: Role | None,
        prefix: str | None,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[Document]:
        """Up to ``limit`` users, newest first, after the key (createdAt, id).

        What is not asked for is spelt out as every value that there is: the index then serves each
        combination in order, by merging its ranges.
        """
        wanted: Document = {
            "status": {"$in": [status] if status else list(Status)},
            "role": {"$in": [role] if role else list(Role)},
            **_older("createdAt", after),
        }
        if prefix is not None:
            # the two bounds hold for one element, not each for any
            wanted["search"] = {"$elemMatch": {"$gte": prefix, "$lt": prefix + _LAST_LETTER}}
        found = self._users.find(wanted).sort([("createdAt", DESCENDING), ("_id", DESCENDING)])
        return list(found.limit(limit))

    def due(self, now: datetime, limit: int) -> list[str]:
        """Ids of deleted users whose window has passed, longest waiting first."""
        found = self._users.find({"status": Status.DELETED, "scheduledDeletionAt": {"$lte": now}}, {"_id": 1})
        return [user["_id"] for user in found.sort("scheduledDeletionAt", ASCENDING).limit(limit)]

    def take_due(self, user_id: str, now: datetime, session: ClientSession) -> Document | None:
        """Remove a user who is still deleted and due; the document as it was, or None."""
        due = {"_id": user_id, "status": Status.DELETED, "scheduledDeletionAt": {"$lte": now}}
        return self._users.find_one_and_delete(due, session=session)

    # care relations

    def relate(self, relation: Document, session: ClientSession) -> None:
        """Keep what an appointment says of its people, unless a newer version of it is here."""
        key = {"_id": relation["_id"]}
        self._relations.update_one(
            {**key, "version": {"$lt": relation["version"]}}, {"$set": relation}, session=session
        )
        self._relations.update_one(key, {"$setOnInsert": relation}, upsert=True, session=session)

    def forget_relations(self, user_id: str, session: ClientSession) -> None:
        self._relations.delete_many({"$or": [{"doctorId": user_id}, {"patientId": user_id}]}, session=session)

    # erasures

    def begin_erasure(self, erasure: Document, session: ClientSession) -> None:
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

    def erasures(self, after: tuple[datetime, str] | None, limit: int) -> list[Document]:
        """Up to ``limit`` erasures, newest first, after the key (startedAt, id)."""
        found = self._erasures.find(_older("startedAt", after))
        return list(found.sort([("startedAt", DESCENDING), ("_id", DESCENDING)]).limit(limit))


def _older(field: str, after: tuple[datetime, str] | None) -> dict[str, Any]:
    """The condition that a document comes after the key (``field``, id) when both fall."""
    if after is None:
        return {}
    instant, identifier = after
    alternatives: Sequence[Document] = [{field: {"$lt": instant}}, {field: instant, "_id": {"$lt": identifier}}]
    # the first bound is implied by the second and is what the index can use
    return {field: {"$lte": instant}, "$or": alternatives}
