"""Offers: freed time is held for the first in line, and passes on from one to the next."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import NamedTuple

from pymongo.client_session import ClientSession

from appointment_service import events
from appointment_service.domain.calendar import Calendar
from appointment_service.domain.claims import claims, doctor_claims, patient_claims
from appointment_service.domain.slots import Slot
from appointment_service.domain.waitlist import expires_at, slots_made_of
from appointment_service.service.changes import local_day
from appointment_service.service.standing import is_listed
from appointment_service.store import CalendarStore, HoldStore, WaitlistStore
from chassis.clock import new_id
from chassis.mongo import Document

_BATCH = 50


class Freed(NamedTuple):
    """A doctor's time that something gave back, [start, end); ``patient_id`` had it, and is not offered it again."""

    doctor_id: str
    start: datetime
    end: datetime
    patient_id: str | None = None


class Offers:
    """Holds and passes on slots; always within the transaction of whatever frees the time."""

    def __init__(
        self,
        *,
        waitlist: WaitlistStore,
        holds: HoldStore,
        calendars: CalendarStore,
        clock: Callable[[], datetime],
        offer_seconds: int,
    ) -> None:
        self._waitlist = waitlist
        self._holds = holds
        self._calendars = calendars
        self._now = clock
        self._offer_seconds = offer_seconds

    def hold(self, freed: Sequence[Freed], session: ClientSession) -> None:
        """Hold each slot of the freed time that could be booked now for the first in line, if there is anybody.

        Who is free is looked up in the transaction: whoever takes the slot, or the patient's time, after that conflicts
        with it in the claims' index, and the driver repeats it.
        """
        for doctor_id, start, end, patient_id in freed:
            calendar = self._calendar(doctor_id, session)
            if calendar is None:
                continue
            for slot in slots_made_of(calendar, start, end, self._now()):
                if self._holds.claimed(doctor_claims(doctor_id, *slot), session):
                    continue
                if patient_id:
                    self._waitlist.pass_over(doctor_id, patient_id, slot.start, session)
                hold_id = new_id()
                facts = self._offered(doctor_id, calendar, slot, hold_id, session)
                if facts:
                    self._holds.add(hold_id, doctor_id, slot, facts, session)

    def pass_on(self, doctor_id: str, offer: Document, session: ClientSession) -> None:
        """Hold the slot of an offer that was given back for the next in line; when nobody is left, free it.

        It passes on as it is only while the doctor's calendar still has this slot. Else the time is free, and each
        slot that it is part of now finds who is first in line.
        """
        slot, hold_id = Slot(offer["start"], offer["end"]), offer["appointmentId"]
        calendar = self._calendar(doctor_id, session)
        if calendar and slot in slots_made_of(calendar, *slot, self._now()):
            facts = self._offered(doctor_id, calendar, slot, hold_id, session)
            if facts:
                self._holds.pass_on(hold_id, facts, session)
                return
        self._holds.release([hold_id], session)
        self.hold([Freed(doctor_id, *slot)], session)

    # steps

    def _calendar(self, doctor_id: str, session: ClientSession) -> Calendar | None:
        """The calendar of a doctor who can be booked and is waited for; else None."""
        if not self._waitlist.awaited(doctor_id, session):
            return None
        doctor = self._calendars.calendar(doctor_id, session)
        if doctor is None or not is_listed(doctor) or not doctor["accepting"] or not doctor["calendar"]:
            return None
        return Calendar.from_dict(doctor["calendar"])

    def _offered(
        self, doctor_id: str, calendar: Calendar, slot: Slot, hold_id: str, session: ClientSession
    ) -> Document | None:
        """Offer the slot to the first in line: what its hold says then. None if there is nobody."""
        now, day = self._now(), local_day(calendar, slot.start)
        place = self._first(doctor_id, day, slot, session)
        if place is None:
            return None
        expires = expires_at(now, self._offer_seconds, slot.start)
        event = events.waitlist_offered({**place, "version": place["version"] + 1}, *slot, calendar.timezone, expires)
        offer = {
            "appointmentId": hold_id,
            "start": slot.start,
            "end": slot.end,
            "timezone": calendar.timezone,
            "expiresAt": expires,
        }
        self._waitlist.offer(place, offer, event, now, session)
        return {
            "patientId": place["patientId"],
            "timezone": calendar.timezone,
            "day": day,
            "claims": claims(doctor_id, place["patientId"], *slot),
            "offer": {"entryId": place["_id"], "expiresAt": expires},
            "updatedAt": now,
        }

    def _first(self, doctor_id: str, day: str, slot: Slot, session: ClientSession) -> Document | None:
        """The first in line for the slot who is free then, and whose account is open.

        Whoever's account is closed is out of line; but who joined at that very moment may still be there.
        """
        with self._waitlist.line(doctor_id, day, slot.start, session) as line:
            while batch := list(islice(line, _BATCH)):
                wanted = {place["_id"]: patient_claims(place["patientId"], *slot) for place in batch}
                busy = self._holds.claimed(chain.from_iterable(wanted.values()), session)
                accounts = self._calendars.calendars([place["patientId"] for place in batch], session)
                for place in batch:
                    account = accounts.get(place["patientId"])
                    if busy.isdisjoint(wanted[place["_id"]]) and (account is None or account["accountActive"]):
                        return place
        return None
