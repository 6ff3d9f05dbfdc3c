"""What appointment-service publishes and what it acts on."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from appointment_service.domain.appointment import HELD, Actor, Status
from appointment_service.domain.calendar import Calendar
from chassis import audit
from chassis.clock import instant_text
from chassis.events import Event, cloud_event
from chassis.mongo import Document
from chassis.schemas import BRANCHES, EventData

SOURCE = "appointment-service"
_event = partial(cloud_event, SOURCE)

Cause = Literal["declined", "lapsed", "cancelled"]

_ANNOUNCED = {
    Status.REQUESTED: "appointment-requested",
    Status.BOOKED: "appointment-booked",
    Status.CHECKED_IN: "appointment-checked-in",
    Status.COMPLETED: "appointment-completed",
    Status.NO_SHOW: "appointment-no-show",
    Status.CANCELLED: "appointment-cancelled",
}


def announcement(appointment: Document, by: Actor, cause: Cause | None = None) -> Event:
    """The event that tells of an appointment's new status, given the document as it is after the change.

    ``cause`` tells one cancellation from another. No reason is carried: it may be clinical.
    """
    data = _told(appointment, by) | ({"cause": cause} if cause else {})
    if appointment["status"] == Status.REQUESTED:
        data["lapsesAt"] = instant_text(appointment["lapsesAt"])
    return _event(_ANNOUNCED[appointment["status"]], appointment["_id"], data)


def rescheduled(appointment: Document, by: Actor, previous_start: datetime, previous_end: datetime) -> Event:
    """The event that tells of a move, given the document as it is after it."""
    before = {"previousStart": instant_text(previous_start), "previousEnd": instant_text(previous_end)}
    return _event("appointment-rescheduled", appointment["_id"], _told(appointment, by) | before)


def waitlist_offered(entry: Document, start: datetime, end: datetime, timezone: str, expires_at: datetime) -> Event:
    """The event that tells somebody in line of an offer; ``entry`` is the place as it is with the offer."""
    data = {
        "entryId": entry["_id"],
        **{name: entry[name] for name in ("doctorId", "patientId", "version")},
        "start": instant_text(start),
        "end": instant_text(end),
        "timezone": timezone,
        "expiresAt": instant_text(expires_at),
    }
    return _event("waitlist-offered", entry["_id"], data)


def next_available_changed(doctor_id: str, version: int, start: datetime | None, end: datetime | None) -> Event:
    """The event that tells of a doctor's next free slot, or with None that there is none."""
    return _event("next-available-changed", doctor_id, _next_available(doctor_id, version, start, end))


# what is told of something as it is now, in the shape of its events, to who keeps a copy


def appointment_as_told(appointment: Document) -> Document | None:
    """An appointment without ``by``, for it does not tell of one change; None of a held slot, or one of the erased."""
    if appointment["status"] == HELD or None in (appointment["doctorId"], appointment["patientId"]):
        return None
    return _state(appointment)


def next_available_as_told(doctor: Document) -> Document | None:
    """A doctor's next free slot, given what the calendars hold; None where nothing was announced of it."""
    if "openingVersion" not in doctor:
        return None
    slot = doctor["nextAvailable"] or {}
    return _next_available(doctor["_id"], doctor["openingVersion"], slot.get("start"), slot.get("end"))


def _next_available(doctor_id: str, version: int, start: datetime | None, end: datetime | None) -> Document:
    slot = {"start": instant_text(start), "end": instant_text(end)} if start and end else None
    return {"doctorId": doctor_id, "version": version, "nextAvailable": slot}


def _told(appointment: Document, by: Actor) -> Document:
    return {**_state(appointment), "by": by}


def _state(appointment: Document) -> Document:
    return {
        "appointmentId": appointment["_id"],
        **{name: appointment[name] for name in ("doctorId", "patientId", "timezone", "status", "version")},
        "start": instant_text(appointment["start"]),
        "end": instant_text(appointment["end"]),
    }


def cancellation_audited(appointment: Document, admin_id: str | None) -> Event:
    """The audit's entry of an admin's cancelling."""
    return audit.entry(
        SOURCE,
        "appointment.cancelled",
        actor_id=admin_id,
        actor_role=Actor.ADMIN,
        subject_id=appointment["patientId"],
        object_id=appointment["_id"],
    )


def _bookable(calendar: dict[str, Any]) -> dict[str, Any]:
    Calendar.from_dict(calendar)
    return calendar


class DoctorUpdated(EventData):
    doctor_id: str
    version: int
    moderation_status: Annotated[str, BRANCHES]
    visible: bool
    accepting: bool
    active: bool
    name: str | None = None
    specialty: str | None = None
    clinic: dict[str, Any] | None = None
    calendar: Annotated[Annotated[dict[str, Any], AfterValidator(_bookable)] | None, BRANCHES]


class UserStatus(EventData):
    """What user-deactivated, -recovered, -suspended and -reinstated tell: the type says which it is."""

    user_id: str
    role: Annotated[str, BRANCHES]
    version: int


class UserAsTold(UserStatus):
    """In a snapshot."""

    status: Annotated[str, BRANCHES]


class UserDeleted(EventData):
    user_id: str
    version: int


class AppointmentChanged(EventData):
    """This service's own news of an appointment, from which the next free slot follows."""

    appointment_id: str
    doctor_id: str
    start: datetime
    end: datetime
    previous_start: datetime | None = None


class EmailVerified(EventData):
    user_id: str


class AccountAsTold(EventData):
    """Whether an address is verified, in a snapshot."""

    user_id: str
    email_verified: bool
