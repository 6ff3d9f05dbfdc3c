"""Reminders, and what was heard, as what appointment-service announced: read, and let go of, for comparison with it."""

from collections.abc import Sequence
from datetime import datetime

from pymongo.client_session import ClientSession

from chassis.mongo import Database, Document
from chassis.projections import held_ids
from scheduler_service.store.indexes import HEARD, REMINDERS


class Projected:
    """All by the appointment's id."""

    def __init__(self, database: Database) -> None:
        self._reminders = database[REMINDERS]
        self._heard = database[HEARD]

    def reminders(
        self, appointment_ids: Sequence[str], since: datetime, session: ClientSession | None = None
    ) -> list[Document]:
        """Those of the appointments' reminders that are due after ``since``."""
        ahead = {"appointmentId": {"$in": list(appointment_ids)}, "dueAt": {"$gt": since}}
        return list(self._reminders.find(ahead, session=session))

    def heard(self, appointment_ids: Sequence[str], session: ClientSession | None = None) -> dict[str, int]:
        """{appointment's id: the newest version that was heard of}."""
        found = self._heard.find({"_id": {"$in": list(appointment_ids)}}, session=session)
        return {heard["_id"]: heard["version"] for heard in found}

    def reminded_ids(self, after: str) -> list[str]:
        """Of the appointments that have reminders; one as often as it has."""
        return held_ids(self._reminders, after, {}, "appointmentId")

    def forget(self, appointment_id: str, since: datetime, session: ClientSession) -> None:
        """Remind of an appointment no more, but for what is due by ``since``."""
        self._reminders.delete_many({"appointmentId": appointment_id, "dueAt": {"$gt": since}}, session=session)
