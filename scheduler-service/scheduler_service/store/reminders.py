"""Reminders that are to come, and what was heard of appointments."""

from collections.abc import Sequence
from datetime import datetime

from pymongo import ASCENDING
from pymongo.client_session import ClientSession

from chassis.mongo import Database, Document
from scheduler_service.domain import HEARD_KEPT
from scheduler_service.store.indexes import HEARD, REMINDERS


class Heard:
    """The only place that talks to the ``heard`` collection."""

    def __init__(self, database: Database) -> None:
        self._heard = database[HEARD]

    def note(self, appointment_id: str, version: int, now: datetime, session: ClientSession) -> bool:
        """Note a version of an appointment; False if that one, or a newer one, was noted before.

        All news of one appointment writes this document, so that of two that are handled at once one is repeated and
        sees the other.
        """
        known = self._heard.find_one({"_id": appointment_id}, session=session)
        if known is not None and known["version"] >= version:
            return False
        noted = {"version": version, "keepUntil": now + HEARD_KEPT}
        self._heard.update_one({"_id": appointment_id}, {"$set": noted}, upsert=True, session=session)
        return True

    def knows(self, appointment_id: str, version: int, now: datetime, session: ClientSession) -> bool:
        """Whether that version, or a newer one, was noted; nor can one be until this transaction has committed.

        It writes the document too (0 where nothing is noted): else news that is handled at the same time, and of which
        this one sees nothing, would commit as well.
        """
        touched = {"$max": {"version": 0}, "$set": {"keepUntil": now + HEARD_KEPT}}
        self._heard.update_one({"_id": appointment_id}, touched, upsert=True, session=session)
        noted = {"_id": appointment_id, "version": {"$gte": version}}
        return self._heard.find_one(noted, session=session) is not None

    def lower(self, appointment_id: str, version: int, now: datetime, session: ClientSession) -> None:
        """Have nothing noted that is newer than that version."""
        lowered = {"$min": {"version": version}, "$set": {"keepUntil": now + HEARD_KEPT}}
        self._heard.update_one({"_id": appointment_id}, lowered, session=session)


class Reminders:
    """The only place that talks to the ``reminders`` collection."""

    def __init__(self, database: Database) -> None:
        self._reminders = database[REMINDERS]

    def replace(self, appointment_id: str, reminders: Sequence[Document], session: ClientSession) -> None:
        """Have these reminders of an appointment and no others."""
        self._reminders.delete_many({"appointmentId": appointment_id}, session=session)
        if reminders:
            self._reminders.insert_many(reminders, session=session)

    def replace_ahead(
        self, appointment_id: str, version: int, reminders: Sequence[Document], now: datetime, session: ClientSession
    ) -> None:
        """Have these reminders of an appointment in place of those to come; what is due of this version stays."""
        overtaken = {"$or": [{"dueAt": {"$gt": now}}, {"version": {"$ne": version}}]}
        self._reminders.delete_many({"appointmentId": appointment_id, **overtaken}, session=session)
        if reminders:
            self._reminders.insert_many(reminders, session=session)

    def due(self, now: datetime, limit: int) -> list[Document]:
        """Up to ``limit`` reminders that are due, the oldest first."""
        return list(self._reminders.find({"dueAt": {"$lte": now}}).sort([("dueAt", ASCENDING)]).limit(limit))

    def take(self, reminder: Document, session: ClientSession) -> bool:
        """Remove a reminder; False if it is gone or was replaced since it was read."""
        same = {"_id": reminder["_id"], "version": reminder["version"]}
        return self._reminders.delete_one(same, session=session).deleted_count == 1

    def of_person(self, user_id: str) -> list[Document]:
        """The reminders that a person will get, the next first."""
        return sorted(self._reminders.find({"userId": user_id}), key=lambda reminder: reminder["dueAt"])

    def erase_person(self, user_id: str, session: ClientSession) -> None:
        """Remove the reminders of a person's appointments, as patient and as doctor."""
        self._reminders.delete_many({"userId": user_id}, session=session)
        self._reminders.delete_many({"doctorId": user_id}, session=session)
