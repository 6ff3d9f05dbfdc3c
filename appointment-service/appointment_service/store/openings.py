"""What is kept of each doctor's next free slot: part of the calendars' collection."""

from datetime import datetime

from pymongo import ASCENDING
from pymongo.client_session import ClientSession

from appointment_service.domain.slots import Slot
from appointment_service.store.indexes import CALENDARS
from chassis import outbox
from chassis.events import Event
from chassis.mongo import Database, Document

_NEWEST_EVENTS = 20
_WITHOUT_OUTBOX = {outbox.FIELD: 0}


class OpeningStore:
    """The only place that talks to these fields: {nextAvailable?: {start, end}|null, openingVersion?, lookAt?}."""

    def __init__(self, database: Database) -> None:
        self._calendars = database[CALENDARS]

    def doctor(self, doctor_id: str, session: ClientSession | None = None) -> Document | None:
        """The doctor's calendar, standing and next free slot."""
        return self._calendars.find_one({"_id": doctor_id}, _WITHOUT_OUTBOX, session=session)

    def known(self, doctor_id: str) -> Document | None:
        """Of the doctor's calendar only {nextAvailable?, lookAt?}."""
        return self._calendars.find_one({"_id": doctor_id}, {"_id": 0, "nextAvailable": 1, "lookAt": 1})

    def due(self, now: datetime, limit: int) -> list[str]:
        """Doctors who are to be looked at by now, longest due first."""
        found = self._calendars.find({"lookAt": {"$lte": now}}, {"_id": 1}, hint="look", limit=limit)
        return [doctor["_id"] for doctor in found.sort("lookAt", ASCENDING)]

    def put(
        self,
        held: Document,
        slot: Slot | None,
        look_at: datetime | None,
        event: Event,
        session: ClientSession | None = None,
    ) -> bool:
        """Set another next free slot, its version one higher, announcing it; False if ``held`` is overtaken.

        An event says all there is, so the newest 20 are kept, however long the broker is away.
        """
        update = _looking_at(look_at)
        update["$set"] = update.get("$set", {}) | {"nextAvailable": slot._asdict() if slot else None}
        update["$inc"] = {"openingVersion": 1}
        update["$push"] = {outbox.FIELD: {**outbox.announce(event)[outbox.FIELD], "$slice": -_NEWEST_EVENTS}}
        return self._change(held, update, session)

    def look_at(self, held: Document, look_at: datetime | None, session: ClientSession | None = None) -> bool:
        """Set only when to look again (None: when an event tells of something); False if ``held`` is overtaken."""
        return self._change(held, _looking_at(look_at), session)

    def _change(self, held: Document, update: Document, session: ClientSession | None) -> bool:
        # all that the slot was found by: an erased doctor's document has another accountVersion, or no opening
        names = ("version", "accountVersion", "openingVersion", "lookAt")
        condition = {"_id": held["_id"], **{name: held.get(name) for name in names}}
        return self._calendars.update_one(condition, update, session=session).matched_count == 1


def _looking_at(look_at: datetime | None) -> Document:
    return {"$set": {"lookAt": look_at}} if look_at else {"$unset": {"lookAt": ""}}
