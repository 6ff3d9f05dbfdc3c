"""Held slots: documents among the appointments that hold time for who waits, and are no appointments yet."""

from collections.abc import Iterable, Sequence

from pymongo.client_session import ClientSession

from appointment_service.domain.appointment import HELD
from appointment_service.domain.slots import Slot
from appointment_service.store.indexes import APPOINTMENTS
from chassis.mongo import Database, Document


class HoldStore:
    """The only place that writes them."""

    def __init__(self, database: Database) -> None:
        self._appointments = database[APPOINTMENTS]

    def claimed(self, claims: Iterable[str], session: ClientSession) -> frozenset[str]:
        """Which of these claims anything holds."""
        wanted = set(claims)
        found = self._appointments.find(
            {"claims": {"$in": list(wanted)}}, {"claims": 1}, hint="claims_unique", session=session
        )
        return frozenset(claim for held in found for claim in held["claims"] if claim in wanted)

    def add(self, hold_id: str, doctor_id: str, slot: Slot, facts: Document, session: ClientSession) -> None:
        """Hold a slot of which nothing is claimed.

        ``facts``: {patientId, timezone, day, claims, offer: {entryId, expiresAt}, updatedAt}.
        """
        hold = {
            "_id": hold_id,
            "doctorId": doctor_id,
            "start": slot.start,
            "end": slot.end,
            "status": HELD,
            "version": 1,
            "createdAt": facts["updatedAt"],
            "outbox": [],
            **facts,
        }
        self._appointments.insert_one(hold, session=session)

    def pass_on(self, hold_id: str, facts: Document, session: ClientSession) -> None:
        """Hold the same slot for another patient; the doctor's time is not free for a moment."""
        update = {"$set": facts, "$inc": {"version": 1}}
        self._appointments.update_one({"_id": hold_id, "status": HELD}, update, session=session)

    def release(self, hold_ids: Sequence[str], session: ClientSession) -> None:
        """Free the slots."""
        self._appointments.delete_many({"_id": {"$in": list(hold_ids)}, "status": HELD}, session=session)

    def become(self, appointment: Document, session: ClientSession) -> None:
        """Make of a hold the appointment of the same id, which claims the same time."""
        # a hold has announced nothing: its offer is in the outbox of the place
        facts = {name: value for name, value in appointment.items() if name != "_id"}
        update = {"$set": facts, "$unset": {"offer": ""}}
        self._appointments.update_one({"_id": appointment["_id"], "status": HELD}, update, session=session)

    def became(self, appointment_id: str, session: ClientSession) -> Document:
        """The appointment that a hold became, as it is now."""
        return self._appointments.find({"_id": appointment_id}, {"outbox": 0}, session=session).next()
