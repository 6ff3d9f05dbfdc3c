"""Appointments as they are made and changed: fields, a line in the history, and all that is told of it."""

from datetime import datetime

from appointment_service import events
from appointment_service.domain.appointment import (
    Action,
    Actor,
    Status,
    cancellable_until,
    initial_status,
    lapses_at,
)
from appointment_service.domain.calendar import Calendar
from appointment_service.domain.claims import claims
from appointment_service.domain.slots import Slot
from appointment_service.store import Transition
from chassis.mongo import Document

_CAUSES: dict[Action, events.Cause] = {
    Action.DECLINE: "declined",
    Action.LAPSE: "lapsed",
    Action.CANCEL: "cancelled",
}


def made(
    appointment_id: str,
    doctor: Document,
    patient_id: str,
    calendar: Calendar,
    slot: Slot,
    *,
    action: Action,
    at: datetime,
    reason: str | None,
) -> Document:
    """A new appointment, with the event that tells of it.

    It keeps the terms of the calendar as they are now. ``doctor`` is what is held of the doctor. The action is told as
    ``request`` in place of ``book`` where the doctor decides first.
    """
    status = initial_status(calendar.requires_confirmation)
    requested = status is Status.REQUESTED
    told_as = Action.REQUEST if requested and action is Action.BOOK else action
    appointment: Document = {
        "_id": appointment_id,
        "doctorId": doctor["_id"],
        "patientId": patient_id,
        "start": slot.start,
        "end": slot.end,
        "timezone": calendar.timezone,
        "day": local_day(calendar, slot.start),
        "specialty": doctor.get("specialty"),
        "status": status,
        "version": 1,
        "reason": reason,
        "cancellationNoticeMinutes": calendar.cancellation_notice_minutes,
        "unattendedOutcome": calendar.unattended_outcome,
        "claims": claims(doctor["_id"], patient_id, slot.start, slot.end),
        "history": [{"action": told_as, "status": status, "at": at, "by": patient_id, "start": slot.start}],
        "createdAt": at,
        "updatedAt": at,
        **({"lapsesAt": lapses_at(at, slot.start)} if requested else {}),
    }
    return {**appointment, "outbox": [events.announcement(appointment, Actor.PATIENT)]}


def transition(
    held: Document,
    action: Action,
    status: Status,
    at: datetime,
    actor: Actor,
    user_id: str | None = None,
    reason: str | None = None,
) -> Transition:
    """The change of ``held`` to ``status``, by ``user_id`` in the role ``actor``.

    The history names its patient and its doctor. An admin is just `admin` there, for no erasure looks for admins in
    histories; who it was is in the audit, whose entry commits with the change.
    """
    changed = {**held, "status": status, "version": held["version"] + 1}
    cause = _CAUSES.get(action)
    told = [events.announcement(changed, actor, cause)]
    if actor is Actor.ADMIN and action is Action.CANCEL:
        told.append(events.cancellation_audited(changed, user_id))
    facts = {"cause": cause} if cause else {}
    return Transition(held, action, status, at, _by(actor, user_id), reason, told, facts)


def move(
    held: Document, calendar: Calendar, slot: Slot, at: datetime, actor: Actor, user_id: str, reason: str | None
) -> Transition:
    """The move of ``held`` to a slot of the calendar, in place.

    A patient who moves an appointment that is too late to cancel can't cancel it at its new time either: the notice
    would be worth nothing. After a move of the doctor's it counts anew.
    """
    until = latest_cancellation(held)
    facts = {
        "start": slot.start,
        "end": slot.end,
        "timezone": calendar.timezone,
        "day": local_day(calendar, slot.start),
        "cancellationNoticeMinutes": calendar.cancellation_notice_minutes,
        "claims": claims(held["doctorId"], held["patientId"], slot.start, slot.end),
        "cancellableUntil": until if actor is Actor.PATIENT and until < at else None,
    }
    if held["status"] == Status.REQUESTED:
        facts["lapsesAt"] = lapses_at(held["createdAt"], slot.start)
    changed = {**held, **facts, "version": held["version"] + 1}
    told = events.rescheduled(changed, actor, held["start"], held["end"])
    return Transition(held, Action.RESCHEDULE, Status(held["status"]), at, _by(actor, user_id), reason, [told], facts)


def latest_cancellation(held: Document) -> datetime:
    """Until when its patient may cancel an appointment."""
    kept: datetime | None = held.get("cancellableUntil")
    return kept or cancellable_until(held["start"], held["cancellationNoticeMinutes"])


def local_day(calendar: Calendar, start: datetime) -> str:
    """The doctor's date of a start, such as "2026-03-30"."""
    return start.astimezone(calendar.zone).date().isoformat()


def _by(actor: Actor, user_id: str | None) -> str:
    return user_id if user_id and actor in (Actor.PATIENT, Actor.DOCTOR) else actor
