"""Slots that can be booked, and appointments."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import chain

from appointment_service import errors, events
from appointment_service.domain.appointment import (
    UNATTENDED_AFTER,
    Action,
    Actor,
    Status,
    decide,
    due_outcome,
    may_cancel,
)
from appointment_service.domain.calendar import Calendar
from appointment_service.domain.claims import cells, claims
from appointment_service.domain.errors import InvalidTransition
from appointment_service.domain.slots import free, offered, slot_at
from appointment_service.service.changes import transition
from appointment_service.service.waitlist import Waitlist
from appointment_service.store import AppointmentStore, CalendarStore, Transition
from chassis.clock import new_id
from chassis.errors import Conflict, NotFound, TokenInvalid, VersionMismatch
from chassis.mongo import Database, Document
from chassis.schemas import invalid
from chassis.tokens import Identity

_MOST_DAYS = 31
_USUAL_DAYS = 7
_ATTEMPTS = 5


class AppointmentService:
    """Slots that can be booked, and appointments."""

    def __init__(
        self,
        database: Database,
        *,
        store: AppointmentStore,
        calendars: CalendarStore,
        waitlist: Waitlist,
        clock: Callable[[], datetime],
        require_verified_email: bool,
    ) -> None:
        self._database = database
        self._store = store
        self._waitlist = waitlist
        self._calendars = calendars
        self._now = clock
        self._require_verified_email = require_verified_email

    # slots

    def slots(self, doctor_id: str, first: date | None, last: date | None) -> Document:
        """What could be booked of the doctor now, from ``first`` (else today) to ``last`` (else six days later).

        Dates are the doctor's. Raises DoctorNotFound; ValidationFailed for no days, or more than 31.
        """
        now = self._now()
        doctor = _listed(self._calendars.calendar(doctor_id))
        calendar = Calendar.from_dict(doctor["calendar"]) if doctor["calendar"] else None
        first = first or now.astimezone(calendar.zone if calendar else UTC).date()
        last = last or date.fromordinal(min(first.toordinal() + _USUAL_DAYS - 1, date.max.toordinal()))
        if last < first:
            raise invalid("to", "must not be before from")
        if (last - first).days >= _MOST_DAYS:
            raise invalid("to", f"must be at most {_MOST_DAYS} days, from and to included")
        found = offered(calendar, first, last, now) if calendar and doctor["accepting"] else []
        if found:
            taken = self._store.taken(doctor_id, found[0].start, found[-1].end)
            found = free(found, chain.from_iterable(cells(held["start"], held["end"]) for held in taken))
        return {
            "doctorId": doctor_id,
            "timezone": calendar.timezone if calendar else None,
            "slotMinutes": calendar.slot_minutes if calendar else None,
            "items": [{"start": slot.start, "end": slot.end} for slot in found],
        }

    # appointments

    def book(self, who: Identity, doctor_id: str, start: datetime, reason: str | None) -> Document:
        """Book a slot. What is free is left to the database: the claims of two bookings never overlap.

        Raises DoctorNotFound, DoctorNotAccepting, SlotUnavailable, SlotTaken, PatientBusy; EmailNotVerified where
        that is required; TokenInvalid for a patient whose account is closed while the token is still out.
        """
        now, patient_id = self._now(), who.user_id
        known = self._calendars.calendars([doctor_id, patient_id])
        patient = known.get(patient_id, {})
        if not patient.get("accountActive", True):
            raise TokenInvalid
        # the token is from before the verification, or the event is still under way: either is enough
        if self._require_verified_email and not (who.email_verified or patient.get("emailVerified")):
            raise errors.EmailNotVerified
        doctor = _listed(known.get(doctor_id))
        if not doctor["accepting"]:
            raise errors.DoctorNotAccepting
        calendar = Calendar.from_dict(doctor["calendar"]) if doctor["calendar"] else None
        slot = slot_at(calendar, start, now) if calendar else None
        if calendar is None or slot is None:
            raise errors.SlotUnavailable
        appointment: Document = {
            "_id": new_id(),
            "doctorId": doctor_id,
            "patientId": patient_id,
            "start": slot.start,
            "end": slot.end,
            "timezone": calendar.timezone,
            "status": Status.BOOKED,
            "version": 1,
            "reason": reason,
            "cancellationNoticeMinutes": calendar.cancellation_notice_minutes,
            "unattendedOutcome": calendar.unattended_outcome,
            "claims": claims(doctor_id, patient_id, slot.start, slot.end),
            "history": [{"status": Status.BOOKED, "at": now, "by": patient_id, "start": slot.start}],
            "createdAt": now,
            "updatedAt": now,
        }
        appointment["outbox"] = [events.announcement(appointment, Actor.PATIENT)]
        self._store.add(appointment)
        return appointment

    def appointments(
        self,
        who: Identity,
        *,
        doctor_id: str | None,
        patient_id: str | None,
        status: Status | None,
        since: datetime | None,
        until: datetime | None,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[Document]:
        """One's own appointments, for an admin everybody's: up to ``limit``, newest start first, after a key."""
        parties = {"doctorId": doctor_id, "patientId": patient_id}
        for field, own in _party(who).items():
            if parties[field] not in (None, own):
                return []
            parties[field] = own
        return self._store.page(
            doctor_id=parties["doctorId"],
            patient_id=parties["patientId"],
            status=status,
            since=since,
            until=until,
            after=after,
            limit=limit,
        )

    def appointment(self, who: Identity, appointment_id: str) -> Document:
        """An appointment that is one's own, or any for an admin. Raises NotFound."""
        found = self._store.appointment(appointment_id, _party(who))
        if found is None:
            raise NotFound
        return found

    def cancel(self, who: Identity, appointment_id: str, reason: str | None, expected: int | None) -> Document:
        """Cancel, and free the time. Raises NotFound, VersionMismatch, InvalidTransition, TooLateToCancel."""
        return self._change(who, appointment_id, Action.CANCEL, reason, expected)

    def complete(self, who: Identity, appointment_id: str, expected: int | None) -> Document:
        """Say that it took place; for its doctor. Raises NotFound, VersionMismatch, InvalidTransition."""
        return self._change(who, appointment_id, Action.COMPLETE, None, expected)

    def advance_due(self, limit: int) -> dict[str, int]:
        """Settle up to ``limit`` appointments that ended over 15 minutes ago: {"completed": n, "noShow": n}.

        Each is a conditional update, so two that run at once share the work and repeat nothing of it.
        """
        now = self._now()
        settled: dict[Status, list[Transition]] = {Status.COMPLETED: [], Status.NO_SHOW: []}
        for held in self._store.due(now - UNATTENDED_AFTER, limit):
            outcome = due_outcome(held["status"], held["end"], now, Status(held["unattendedOutcome"]))
            if outcome:
                settled[outcome].append(transition(held, outcome, now, Actor.SYSTEM))
        return {
            "completed": self._store.apply_all(settled[Status.COMPLETED]),
            "noShow": self._store.apply_all(settled[Status.NO_SHOW]),
        }

    # steps

    def _change(
        self, who: Identity, appointment_id: str, action: Action, reason: str | None, expected: int | None
    ) -> Document:
        for _ in range(_ATTEMPTS):
            held = self.appointment(who, appointment_id)
            if expected not in (None, held["version"]):
                raise VersionMismatch
            now, actor = self._now(), Actor(who.role)
            following = _decided(held, action, actor, now)
            changed = self._store.apply(transition(held, following, now, actor, who.user_id, reason))
            if changed:
                return changed
        raise Conflict


def _listed(doctor: Document | None) -> Document:
    """A doctor whom anyone may see; DoctorNotFound for all others."""
    if (
        doctor is None
        or not doctor["accountActive"]
        or doctor.get("moderationStatus") != "APPROVED"
        or not doctor["visible"]
        or not doctor["active"]
    ):
        raise errors.DoctorNotFound
    return doctor


def _party(who: Identity) -> dict[str, str]:
    return {} if who.role == Actor.ADMIN else {f"{who.role}Id": who.user_id}


def _decided(held: Document, action: Action, actor: Actor, now: datetime) -> Status:
    # what was anonymised is settled for good: there is nobody left to tell of a correction
    if held["patientId"] is None or held["doctorId"] is None:
        raise errors.InvalidTransition
    try:
        following = decide(held["status"], action, actor, end=held["end"], now=now)
    except InvalidTransition as error:
        raise errors.InvalidTransition(str(error)) from None
    if action is Action.CANCEL and not may_cancel(held["start"], now, held["cancellationNoticeMinutes"], actor):
        raise errors.TooLateToCancel
    return following
