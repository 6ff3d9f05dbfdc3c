"""Openings: each doctor's next free slot, kept for the doctor's card.

What is kept holds until something changes it: an appointment that takes or frees time before it, the doctor's
calendar or account, or time itself, by which a slot becomes too near to be booked. Each of these looks anew.

A look has no lock on what it looks at, and one that finds nothing to do leaves no trace. So whoever has set another
slot looks once more, until what is found is what is kept: news that a look was too early for, and whose own handler
still saw the slot of before, is found by that.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from pymongo.client_session import ClientSession

from appointment_service import events
from appointment_service.domain.appointment import HELD
from appointment_service.domain.calendar import Calendar
from appointment_service.domain.slots import Slot, free, offered
from appointment_service.service.standing import is_listed
from appointment_service.store import AppointmentStore, OpeningStore
from chassis.errors import Conflict
from chassis.mongo import Document

HOLD_WATCH = timedelta(minutes=1)
"""How often a doctor is looked at while an earlier slot is held for somebody: nothing is told when a hold ends."""

FULL_WATCH = timedelta(hours=1)
"""How often a doctor of whom nothing is free; the day that comes within the horizon at midnight is not missed."""

_MOST_DAYS = 32
_ATTEMPTS = 20


class _Found(NamedTuple):
    """The next free slot, if there is one, and when time alone may change it, if it may."""

    slot: Slot | None
    look_at: datetime | None


class Openings:
    """Each doctor's next free slot: found anew when something changes it, told where it is another."""

    def __init__(
        self, *, openings: OpeningStore, appointments: AppointmentStore, clock: Callable[[], datetime]
    ) -> None:
        self._openings = openings
        self._appointments = appointments
        self._now = clock

    def appointment_changed(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        """An appointment took or gave back time: it matters only where it began before the next free slot's end.

        Not within the inbox's transaction, whose snapshot would hide what is set meanwhile: what is done here is
        right however often it is done.
        """
        if event.end <= self._now():
            return
        known = self._openings.known(event.doctor_id)
        if known is None:
            return
        since, slot = min(event.start, event.previous_start or event.start), _kept(known)
        if slot and slot.end <= since:
            return
        # who was never looked at is looked at from now on
        if not self._look(event.doctor_id, since if slot or "lookAt" in known else None):
            raise Conflict

    def doctor_updated(self, event: events.DoctorUpdated, session: ClientSession) -> None:
        """The doctor's calendar or standing is another, and stored already."""
        self.account_changed(event.doctor_id, session)

    def account_changed(self, user_id: str, session: ClientSession) -> None:
        """What is held of the user is another, and stored already in this transaction.

        The next sweep looks once more: here nothing can be looked at after the commit.
        """
        held = self._openings.doctor(user_id, session)
        if held:
            found = self._found(held, None)
            self._put(held, found._replace(look_at=self._now()) if found.look_at else found, session)

    def sweep(self, limit: int) -> dict[str, int]:
        """Look again at up to ``limit`` doctors whose next free slot time has overtaken: {"openings": n looked at}."""
        due = self._openings.due(self._now(), limit)
        for doctor_id in due:
            # one who is overtaken again and again stays due
            self._look(doctor_id, None)
        return {"openings": len(due)}

    # steps

    def _look(self, doctor_id: str, since: datetime | None) -> bool:
        """Look until what is found is what is kept, where something may have changed ``since`` then (None: now).

        False if others changed it each time.
        """
        for _ in range(_ATTEMPTS):
            held = self._openings.doctor(doctor_id)
            if held is None or self._put(held, self._found(held, since)):
                return True
        return False

    def _put(self, held: Document, found: _Found, session: ClientSession | None = None) -> bool:
        """Keep what was found, and announce it where the slot is another; False if it has to be looked at again."""
        if found.slot == _kept(held):
            return found.look_at == held.get("lookAt") or self._openings.look_at(held, found.look_at, session)
        version = held.get("openingVersion", 0) + 1
        start, end = found.slot or (None, None)
        event = events.next_available_changed(held["_id"], version, start, end)
        self._openings.put(held, found.slot, found.look_at, event, session)
        return False

    def _found(self, held: Document, since: datetime | None) -> _Found:
        """What there is to be found from ``since`` on, or from now."""
        if not _takes_bookings(held):
            return _Found(None, None)
        calendar, now = Calendar.from_dict(held["calendar"]), self._now()
        kept = _kept(held)
        # whatever lies before the slot that is kept is taken, but for what `since` tells of
        begin = max(now, min(since, kept.start) if kept else since) if since else now
        slot, waiting = self._search(held["_id"], calendar, begin, now)
        if slot:
            look_at = slot.start - timedelta(minutes=calendar.min_notice_minutes)
        else:
            tomorrow = now.astimezone(calendar.zone).date() + timedelta(days=1)
            look_at = min(now + FULL_WATCH, datetime.combine(tomorrow, time(), calendar.zone).astimezone(UTC))
        if waiting:
            look_at = min(look_at, now + HOLD_WATCH)
        # of what lies before `begin` no more is known now than when this was set
        return _Found(slot, min(look_at, held.get("lookAt", look_at)) if begin > now else look_at)

    def _search(self, doctor_id: str, calendar: Calendar, begin: datetime, now: datetime) -> tuple[Slot | None, bool]:
        """The first free slot that ends after ``begin``; whether one before it is only held.

        Day by day, then in ever longer steps: most doctors have something free soon, and of one who is booked up for a
        year fifteen queries tell.
        """
        day = (begin - timedelta(minutes=calendar.slot_minutes)).astimezone(calendar.zone).toordinal()
        last = min(now.astimezone(calendar.zone).toordinal() + calendar.horizon_days, date.max.toordinal())
        days, waiting = 1, False
        while day <= last:
            until = min(day + days - 1, last)
            shown = offered(calendar, date.fromordinal(day), date.fromordinal(until), now)
            slots = [slot for slot in shown if slot.end > begin]
            if slots:
                taken = self._appointments.taken(doctor_id, slots[0].start, slots[-1].end)
                slot = next(free(slots, ((item["start"], item["end"]) for item in taken)), None)
                waiting = waiting or any(
                    item["status"] == HELD and (slot is None or item["start"] < slot.start) for item in taken
                )
                if slot:
                    return slot, waiting
            day, days = until + 1, min(days * 2, _MOST_DAYS)
        return None, waiting


def _kept(held: Document) -> Slot | None:
    kept = held.get("nextAvailable")
    return Slot(kept["start"], kept["end"]) if kept else None


def _takes_bookings(held: Document) -> bool:
    """Whether anybody could book: the doctor is listed, accepts new appointments and has a calendar."""
    return is_listed(held) and held["accepting"] and held["calendar"] is not None
