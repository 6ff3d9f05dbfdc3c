"""Appointments: who sees them, and what becomes of them."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from appointment_service import errors
from appointment_service.domain.appointment import (
    ACTIVE,
    UNATTENDED_AFTER,
    Action,
    Actor,
    Status,
    decide,
    due_outcome,
    may_cancel,
    may_move,
)
from appointment_service.domain.calendar import Calendar
from appointment_service.domain.errors import InvalidTransition
from appointment_service.domain.slots import slot_at
from appointment_service.metrics import changing
from appointment_service.service.changes import latest_cancellation, move, transition
from appointment_service.service.standing import listed, require_open
from appointment_service.service.waitlist import Freed, Waitlist
from appointment_service.store import AppointmentStore, CalendarStore, Transition
from chassis.errors import Conflict, NotFound, VersionMismatch
from chassis.identity import Identity
from chassis.mongo import Database, Document

_ATTEMPTS = 5


class AppointmentService:
    """Appointments: who sees them, and what becomes of them."""

    def __init__(
        self,
        database: Database,
        *,
        appointments: AppointmentStore,
        calendars: CalendarStore,
        waitlist: Waitlist,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._appointments = appointments
        self._calendars = calendars
        self._waitlist = waitlist
        self._now = clock

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
        return self._appointments.page(
            doctor_id=parties["doctorId"],
            patient_id=parties["patientId"],
            status=status,
            since=since,
            until=until,
            after=after,
            limit=limit,
        )

    def appointment(self, who: Identity, appointment_id: str, session: ClientSession | None = None) -> Document:
        """An appointment that is one's own, or any for an admin. Raises NotFound."""
        found = self._appointments.appointment(appointment_id, _party(who), session)
        if found is None:
            raise NotFound
        return found

    def change(
        self, who: Identity, appointment_id: str, action: Action, reason: str | None, expected: int | None
    ) -> Document:
        """Confirm, decline, check in, complete, cancel, or note a no-show; what that frees is for who waits.

        Raises NotFound, VersionMismatch, InvalidTransition; TooLateToCancel inside of the doctor's notice.
        """

        def decided(held: Document, now: datetime, actor: Actor) -> Transition:
            following = _following(held, action, actor, now)
            if action is Action.CANCEL and not may_cancel(held["start"], latest_cancellation(held), now, actor):
                raise errors.TooLateToCancel
            return transition(held, action, following, now, actor, who.user_id, reason)

        with changing(action, who.role):
            return self._changed(who, appointment_id, expected, decided)

    def reschedule(
        self,
        who: Identity,
        appointment_id: str,
        start: datetime,
        reason: str | None,
        expected: int | None,
        session: ClientSession | None = None,
    ) -> Document:
        """Move an appointment to another slot of its doctor's, in place: if that fails nothing has changed.

        It gets the length and zone that the calendar has now. To where it is already is no move, and no error.
        Raises NotFound, VersionMismatch, InvalidTransition, SlotUnavailable, SlotTaken, PatientBusy; for a patient
        also DoctorNotFound and DoctorNotAccepting; TokenInvalid for an account that is closed while its token is out.
        """

        def decided(held: Document, now: datetime, actor: Actor) -> Transition | None:
            _following(held, Action.RESCHEDULE, actor, now)
            if not may_move(held["start"], held["end"], now, actor):
                raise errors.InvalidTransition("It is too late to move this appointment.")
            if start == held["start"]:
                return None
            known = self._calendars.calendars([held["doctorId"], who.user_id], session)
            require_open(known.get(who.user_id))
            doctor = known.get(held["doctorId"])
            if actor is Actor.PATIENT and not listed(doctor)["accepting"]:
                raise errors.DoctorNotAccepting
            calendar = Calendar.from_dict(doctor["calendar"]) if doctor and doctor.get("calendar") else None
            slot = slot_at(calendar, start, now) if calendar else None
            if calendar is None or slot is None:
                raise errors.SlotUnavailable
            return move(held, calendar, slot, now, actor, who.user_id, reason)

        return self._changed(who, appointment_id, expected, decided, session)

    def advance_due(self, limit: int) -> dict[str, int]:
        """What time does to up to ``limit`` appointments each: {"completed": n, "noShow": n, "lapsed": n}.

        What ended over 15 minutes ago is settled, and requests that nobody answered are cancelled. Each is a
        conditional update, so two that run at once share the work and repeat nothing of it.
        """
        now = self._now()
        settled: dict[Status, list[Transition]] = {Status.COMPLETED: [], Status.NO_SHOW: []}
        actions = {Status.COMPLETED: Action.COMPLETE, Status.NO_SHOW: Action.NO_SHOW}
        for held in self._appointments.due(now - UNATTENDED_AFTER, limit):
            outcome = due_outcome(held["status"], held["end"], now, Status(held["unattendedOutcome"]))
            if outcome:
                settled[outcome].append(transition(held, actions[outcome], outcome, now, Actor.SYSTEM))
        lapsed = [
            transition(held, Action.LAPSE, Status.CANCELLED, now, Actor.SYSTEM)
            for held in self._appointments.lapsed(now, limit)
        ]
        return {
            "completed": self._appointments.apply_all(settled[Status.COMPLETED]),
            "noShow": self._appointments.apply_all(settled[Status.NO_SHOW]),
            "lapsed": sum(self._apply(change, None) is not None for change in lapsed),
        }

    # steps

    def _changed(
        self,
        who: Identity,
        appointment_id: str,
        expected: int | None,
        decided: Callable[[Document, datetime, Actor], Transition | None],
        session: ClientSession | None = None,
    ) -> Document:
        for _ in range(_ATTEMPTS):
            held = self.appointment(who, appointment_id, session)
            if expected not in (None, held["version"]):
                raise VersionMismatch
            change = decided(held, self._now(), Actor(who.role))
            changed = self._apply(change, session) if change else held
            if changed:
                return changed
        raise Conflict

    def _apply(self, change: Transition, session: ClientSession | None) -> Document | None:
        """Make the change; the time that it frees is held for who waits, in the same transaction (ADR 0017)."""
        held, freed = change.held, _freed(change)
        if not freed or not self._waitlist.awaited(held["doctorId"]):
            return self._appointments.apply(change, session)
        work = partial(self._applied, change, freed)
        if session:
            return work(session)
        for _ in range(_ATTEMPTS):
            try:
                return self._database.transact(work)
            except DuplicateKeyError:
                # somebody in line became busy meanwhile: look again who is first
                continue
        # whoever waits must not keep anybody from cancelling
        return self._appointments.apply(change)

    def _applied(self, change: Transition, freed: Freed, session: ClientSession) -> Document | None:
        changed = self._appointments.apply(change, session)
        if changed:
            self._waitlist.hold([freed], session)
        return changed


def _party(who: Identity) -> dict[str, str]:
    return {} if who.role == Actor.ADMIN else {f"{who.role}Id": who.user_id}


def _following(held: Document, action: Action, actor: Actor, now: datetime) -> Status:
    # what was anonymised is settled for good: there is nobody left to tell of a correction
    if held["patientId"] is None or held["doctorId"] is None:
        raise errors.InvalidTransition
    # a request that nobody answered in time is over, even before the job has said so
    if held["status"] == Status.REQUESTED and held["lapsesAt"] <= now:
        raise errors.InvalidTransition("This request has lapsed.")
    try:
        return decide(held["status"], action, actor, end=held["end"], now=now)
    except InvalidTransition as error:
        raise errors.InvalidTransition(str(error)) from None


def _freed(change: Transition) -> Freed | None:
    """What a change gives back of its doctor's time that somebody else could use."""
    held, moved = change.held, change.action is Action.RESCHEDULE
    given_back = held["status"] in ACTIVE and (change.status is Status.CANCELLED or moved)
    if not given_back or held["end"] <= change.at:
        return None
    return Freed(held["doctorId"], held["start"], held["end"], held["patientId"])
