"""What doctor-service publishes and what it acts on."""

from typing import Any

from chassis.events import Event, cloud_event
from chassis.mongo import Document
from chassis.schemas import EventData

SOURCE = "doctor-service"

_PUBLIC = ("name", "specialty", "moderationStatus", "visible", "accepting", "active")


def snapshot(doctor: Document) -> dict[str, Any]:
    """What other services know of a doctor: standing and calendar, without the reasons of overrides."""
    calendar = None
    if doctor["availability"] is not None:
        overrides = [{"date": item["date"], "windows": item["windows"]} for item in doctor["overrides"]]
        calendar = {**doctor["availability"], "overrides": overrides}
    return {**{key: doctor[key] for key in _PUBLIC}, "calendar": calendar}


def doctor_updated(doctor: Document) -> Event:
    data = {"doctorId": doctor["_id"], "version": doctor["version"], **snapshot(doctor)}
    return cloud_event(SOURCE, "doctor-updated", doctor["_id"], data)


class UserUpdated(EventData):
    user_id: str
    name: str
    version: int


class UserDeactivated(EventData):
    user_id: str
    version: int


class UserRecovered(EventData):
    user_id: str
    version: int


class UserDeleted(EventData):
    user_id: str
    version: int


class DoctorRating(EventData):
    average: float
    count: int
    version: int


class ReviewPosted(EventData):
    doctor_id: str
    doctor_rating: DoctorRating
