"""What appointment-service publishes and what it acts on."""

from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator

from appointment_service.domain.appointment import Actor, Status
from appointment_service.domain.calendar import Calendar
from chassis import audit
from chassis.clock import instant_text
from chassis.events import Event, cloud_event
from chassis.mongo import Document
from chassis.schemas import EventData

SOURCE = "appointment-service"
_event = partial(cloud_event, SOURCE)

_ANNOUNCED = {
    Status.BOOKED: "appointment-booked",
    Status.CANCELLED: "appointment-cancelled",
    Status.COMPLETED: "appointment-completed",
}


def announcement(appointment: Document, by: Actor) -> Event | None:
    """The event that tells of an appointment's new status, given the document as it is after the change.

    None for a status that is not announced. No reason is carried: it may be clinical.
    """
    kind = _ANNOUNCED.get(appointment["status"])
    if kind is None:
        return None
    data = {
        "appointmentId": appointment["_id"],
        **{name: appointment[name] for name in ("doctorId", "patientId", "timezone", "status", "version")},
        "start": instant_text(appointment["start"]),
        "end": instant_text(appointment["end"]),
        "by": by,
    }
    return _event(kind, appointment["_id"], data)


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
    moderation_status: str
    visible: bool
    accepting: bool
    active: bool
    calendar: Annotated[dict[str, Any], AfterValidator(_bookable)] | None


class UserStatus(EventData):
    """What user-deactivated, -recovered, -suspended and -reinstated tell: the type says which it is."""

    user_id: str
    role: str
    version: int


class UserDeleted(EventData):
    user_id: str
    version: int


class EmailVerified(EventData):
    user_id: str
