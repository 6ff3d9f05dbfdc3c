"""What doctor-service publishes and what it acts on."""

from typing import Annotated, Any

from chassis import audit
from chassis.events import Event, cloud_event
from chassis.mongo import Document
from chassis.schemas import BRANCHES, EventData, Instant
from doctor_service.domain import Step

SOURCE = "doctor-service"

_PUBLIC = ("name", "specialty", "clinic", "moderationStatus", "visible", "accepting", "active")


def snapshot(doctor: Document) -> dict[str, Any]:
    """What other services know of a doctor: place, standing and calendar, without the reasons of overrides."""
    calendar = None
    if doctor["availability"] is not None:
        overrides = [{"date": item["date"], "windows": item["windows"]} for item in doctor["overrides"]]
        calendar = {**doctor["availability"], "overrides": overrides}
    return {**{key: doctor[key] for key in _PUBLIC}, "calendar": calendar}


def doctor_updated(doctor: Document) -> Event:
    return cloud_event(SOURCE, "doctor-updated", doctor["_id"], doctor_as_updated(doctor))


def doctor_as_updated(doctor: Document) -> dict[str, Any]:
    """What ``doctor-updated`` tells of a doctor as it is now."""
    return {"doctorId": doctor["_id"], "version": doctor["version"], **snapshot(doctor)}


def moderation_audited(step: Step, doctor_id: str, admin_id: str) -> Event:
    return audit.entry(SOURCE, f"doctor.{step}", actor_id=admin_id, actor_role="admin", subject_id=doctor_id)


class UserUpdated(EventData):
    user_id: str
    name: str
    version: int


class UserStatus(EventData):
    """What user-deactivated, -recovered, -suspended and -reinstated tell: the type says which it is."""

    user_id: str
    version: int


class UserAsTold(UserStatus):
    """In a snapshot."""

    status: Annotated[str, BRANCHES]


class UserDeleted(EventData):
    user_id: str
    version: int


class DoctorRating(EventData):
    average: float
    count: int
    version: int


class DoctorRated(EventData):
    """What review-posted and review-changed tell of the doctor."""

    doctor_id: str
    doctor_rating: DoctorRating


class Slot(EventData):
    start: Instant


class NextAvailableChanged(EventData):
    doctor_id: str
    version: int
    next_available: Slot | None
