"""The waitlist's collection."""

from collections.abc import Sequence
from datetime import datetime

from pymongo import ASCENDING, DESCENDING
from pymongo.client_session import ClientSession
from pymongo.cursor import Cursor
from pymongo.errors import DuplicateKeyError

from appointment_service import errors
from appointment_service.domain.waitlist import OPEN, Place
from appointment_service.store.indexes import BY_JOINING, WAITLIST
from chassis import outbox
from chassis.events import Event
from chassis.mongo import Database, Document

_THERE = {"$in": [*OPEN, Place.ACCEPTED]}
_OF_PERSON = (("patientId", "of_patient"), ("doctorId", "line"))


class WaitlistStore:
    """The only place that talks to it."""

    def __init__(self, database: Database) -> None:
        self._waitlist = database[WAITLIST]

    def add(self, place: Document) -> None:
        """Insert a place. Raises AlreadyWaiting if the patient has an open one with this doctor."""
        try:
            self._waitlist.insert_one(place)
        except DuplicateKeyError:
            raise errors.AlreadyWaiting from None

    def awaited(self, doctor_id: str, session: ClientSession | None = None) -> bool:
        """Whether anybody waits for this doctor and has no offer."""
        waiting = {"doctorId": doctor_id, "status": Place.WAITING}
        # answered from the index alone
        found = self._waitlist.find_one(waiting, {"_id": 0, "doctorId": 1}, hint="line", session=session)
        return found is not None

    def page(self, patient_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Document]:
        """Up to ``limit`` of the patient's places, latest joined first, beyond the key ``after``."""
        where: Document = {"patientId": patient_id, "status": _THERE}
        if after:
            joined, identifier = after
            where["$or"] = [{"createdAt": {"$lt": joined}}, {"createdAt": joined, "_id": {"$lt": identifier}}]
            where["createdAt"] = {"$lte": joined}
        found = self._waitlist.find(where, {"outbox": 0}, hint="of_patient", limit=limit)
        return list(found.sort([("createdAt", DESCENDING), ("_id", DESCENDING)]))

    def place(self, place_id: str, patient_id: str, session: ClientSession) -> Document | None:
        """The place, if it is this patient's and was not left."""
        return self._waitlist.find_one(
            {"_id": place_id, "patientId": patient_id, "status": _THERE}, {"outbox": 0}, session=session
        )

    def line(self, doctor_id: str, day: str, start: datetime, session: ClientSession) -> Cursor[Document]:
        """Who waits for the doctor on that date without an offer, and never had one of this start: first come first."""
        waiting = {
            "doctorId": doctor_id,
            "status": Place.WAITING,
            "from": {"$lte": day},
            "to": {"$gte": day},
            "seen": {"$ne": start},
        }
        return self._waitlist.find(waiting, {"outbox": 0}, hint="line", session=session).sort(BY_JOINING)

    def pass_over(self, doctor_id: str, patient_id: str, start: datetime, session: ClientSession) -> None:
        """Have the patient, if in this line, offered nothing of this start."""
        place = {"doctorId": doctor_id, "patientId": patient_id, "status": {"$in": list(OPEN)}}
        self._waitlist.update_one(place, {"$push": {"seen": start}}, hint="one_open_place", session=session)

    def offer(self, place: Document, offer: Document, event: Event, at: datetime, session: ClientSession) -> None:
        """Note what is held for this place, with the event that tells of it."""
        # what is past is offered to nobody again, so it need not be remembered
        seen = [start for start in place["seen"] if start > at] + [offer["start"]]
        facts = {"status": Place.OFFERED, "offer": offer, "seen": seen}
        self._change(place, {"$set": facts, "$push": outbox.announce(event)}, at, session)

    def wait_again(self, place: Document, at: datetime, session: ClientSession) -> None:
        """Take the offer back; the place keeps its turn."""
        self._change(place, {"$set": {"status": Place.WAITING, "offer": None}}, at, session)

    def accept(self, place: Document, at: datetime, session: ClientSession) -> None:
        """Note that the offer became an appointment."""
        facts = {"status": Place.ACCEPTED, "offer": None, "appointmentId": place["offer"]["appointmentId"]}
        self._change(place, {"$set": facts}, at, session)

    def leave(self, place: Document, at: datetime, session: ClientSession) -> None:
        """Take a place out of line; it is deleted once all that it announced is published."""
        self._change(place, {"$set": {"status": Place.LEFT, "offer": None, "overAt": at}}, at, session)

    def expired(self, now: datetime, limit: int) -> list[str]:
        """Places whose offers have expired, longest ago first."""
        found = self._waitlist.find(
            {"status": Place.OFFERED, "offer.expiresAt": {"$lte": now}}, {"_id": 1}, hint="offers", limit=limit
        )
        return [place["_id"] for place in found.sort("offer.expiresAt", ASCENDING)]

    def expired_place(self, place_id: str, now: datetime, session: ClientSession) -> Document | None:
        """The place, if it has an offer that has expired."""
        return self._waitlist.find_one(
            {"_id": place_id, "status": Place.OFFERED, "offer.expiresAt": {"$lte": now}}, {"outbox": 0}, session=session
        )

    def open_of(self, user_id: str, session: ClientSession) -> list[Document]:
        """The open places of a patient, and those with a doctor."""
        found: list[Document] = []
        for field, index in _OF_PERSON:
            where = {field: user_id, "status": {"$in": list(OPEN)}}
            found += self._waitlist.find(where, {"outbox": 0}, hint=index, session=session)
        return found

    def all_of(self, patient_id: str) -> Sequence[Document]:
        """All of a patient's places, earliest joined first."""
        where = {"patientId": patient_id, "status": _THERE}
        return list(self._waitlist.find(where, {"outbox": 0}, hint="of_patient").sort(BY_JOINING))

    def delete_all(self, user_id: str, session: ClientSession) -> None:
        """Delete every place of a patient, and with a doctor."""
        for field, index in _OF_PERSON:
            self._waitlist.delete_many({field: user_id}, hint=index, session=session)

    def tidy(self, now: datetime, limit: int) -> int:
        """Delete up to ``limit`` places that were left or whose dates are past, all announced; how many."""
        # an offer is passed on before its place may go; nobody can be offered anything for dates that are past
        over = {"overAt": {"$lte": now}, "status": {"$ne": Place.OFFERED}, "outbox.id": {"$exists": False}}
        found = self._waitlist.find(over, {"_id": 1}, hint="over", limit=limit).sort("overAt", ASCENDING)
        ids = [place["_id"] for place in found]
        return self._waitlist.delete_many({**over, "_id": {"$in": ids}}).deleted_count if ids else 0

    def _change(self, place: Document, update: Document, at: datetime, session: ClientSession) -> None:
        facts = {**update.get("$set", {}), "updatedAt": at}
        change = {**update, "$set": facts, "$inc": {"version": 1}}
        # read in the same transaction: of two that change one place the second fails and is repeated
        self._waitlist.update_one({"_id": place["_id"]}, change, session=session)
