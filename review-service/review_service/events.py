"""What review-service publishes and what it acts on."""

from functools import partial
from typing import Annotated

from chassis import audit
from chassis.events import Event, cloud_event
from chassis.mongo import Document
from chassis.schemas import BRANCHES, EventData
from review_service.domain import average

SOURCE = "review-service"
_event = partial(cloud_event, SOURCE)


def review_posted(review: Document, rating: Document) -> Event:
    """``rating`` is the doctor's aggregate with this review counted in. No comment, no author."""
    return _event("review-posted", review["_id"], _rated(review, rating))


def review_changed(review: Document, rating: Document, change: str) -> Event:
    """``change`` is edited, deleted, hidden or restored; ``review`` with its stars as counted, now or before."""
    return _event("review-changed", review["_id"], {**_rated(review, rating), "change": change})


def rating_as_told(rating: Document) -> Document:
    """What is told of a doctor's figures as they are now, to who keeps a copy."""
    return {"doctorId": rating["_id"], "doctorRating": _figures(rating)}


def moderation_audited(verb: str, review: Document, admin_id: str) -> Event:
    return audit.entry(
        SOURCE,
        f"review.{verb}",
        actor_id=admin_id,
        actor_role="admin",
        subject_id=review["patientId"],
        object_id=review["_id"],
    )


def _rated(review: Document, rating: Document) -> Document:
    return {
        "reviewId": review["_id"],
        "appointmentId": review["appointmentId"],
        "doctorId": review["doctorId"],
        "rating": review["rating"],
        "doctorRating": _figures(rating),
    }


def _figures(rating: Document) -> Document:
    return {
        "average": average(rating["sum"], rating["count"]),
        "count": rating["count"],
        "version": rating["version"],
    }


class AppointmentEnded(EventData):
    """What appointment-completed and appointment-no-show tell: the type says which it is."""

    appointment_id: str
    doctor_id: str
    patient_id: str
    version: int


class AppointmentAsTold(AppointmentEnded):
    """In a snapshot."""

    status: Annotated[str, BRANCHES]


class DoctorUpdated(EventData):
    doctor_id: str
    version: int
    moderation_status: Annotated[str, BRANCHES]
    visible: bool
    active: bool


class UserDeleted(EventData):
    user_id: str
    version: int
