"""What review-service publishes and what it acts on."""

from functools import partial

from chassis.events import Event, cloud_event
from chassis.mongo import Document
from chassis.schemas import EventData
from review_service.domain import average

SOURCE = "review-service"
_event = partial(cloud_event, SOURCE)


def review_posted(review: Document, rating: Document) -> Event:
    """``rating`` is the doctor's aggregate with this review counted in. No comment, no author."""
    return _event(
        "review-posted",
        review["_id"],
        {
            "reviewId": review["_id"],
            "appointmentId": review["appointmentId"],
            "doctorId": review["doctorId"],
            "rating": review["rating"],
            "doctorRating": {
                "average": average(rating["sum"], rating["count"]),
                "count": rating["count"],
                "version": rating["version"],
            },
        },
    )


class AppointmentCompleted(EventData):
    appointment_id: str
    doctor_id: str
    patient_id: str
    version: int


class DoctorUpdated(EventData):
    doctor_id: str
    version: int
    moderation_status: str
    visible: bool
    active: bool


class UserDeleted(EventData):
    user_id: str
    version: int
