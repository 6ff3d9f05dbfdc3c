"""Posting reviews, reading them, and what other services announce."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from chassis.clock import new_id
from chassis.errors import NotFound
from chassis.mongo import Database, Document, collided_index
from chassis.paging import decode_cursor
from chassis.tombstones import Tombstones, receipt
from review_service import events
from review_service.domain import Sort, display_name, listed
from review_service.errors import AlreadyReviewed, DoctorNotFound, NotReviewable
from review_service.store import ONE_PER_APPOINTMENT, ReviewStore, StandingStore

_CURSOR_KINDS: dict[Sort, tuple[type, ...]] = {
    Sort.RECENT: (datetime, str),
    Sort.RATING: (int, datetime, str),
}


@dataclass(frozen=True)
class Held:
    """What is held about a person; ``replied`` are reviews with that doctor's reply, ``reported`` with that report."""

    reviews: list[Document]
    replied: list[Document]
    reported: list[Document]
    rating: Document | None


class ReviewService:
    """Reviews of visits, and the ratings that they add up to."""

    def __init__(
        self, database: Database, *, reviews: ReviewStore, standing: StandingStore, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._reviews = reviews
        self._standing = standing
        self._tombstones = Tombstones(database)
        self._now = clock

    # reviews

    def post_review(
        self, appointment_id: str, patient_id: str, patient_name: str, stars: int, comment: str | None
    ) -> Document:
        """Review a completed appointment, once, and count it in: the review.

        Review, rating and announcement commit together, so the figures announced are those after this review.
        Raises NotReviewable (no such visit took place), NotFound (it is another patient's) or AlreadyReviewed.
        """
        now = self._now()
        draft = new_review(new_id(), appointment_id, patient_id, patient_name, stars, comment, now)

        def work(session: ClientSession) -> Document:
            visit = self._standing.take_visit(appointment_id, patient_id, now, session)
            if visit is None:
                known = self._standing.visit(appointment_id, session)
                raise NotFound if known and known["patientId"] != patient_id else NotReviewable
            review = {**draft, "doctorId": visit["doctorId"]}
            rating = self._standing.count_in(visit["doctorId"], stars, session)
            self._reviews.add({**review, "outbox": [events.review_posted(review, rating)]}, session)
            return review

        try:
            return self._database.transact(work)
        except DuplicateKeyError as error:
            if collided_index(error) != ONE_PER_APPOINTMENT:
                raise
            raise AlreadyReviewed from None

    def reviews_of(self, doctor_id: str, sort: Sort, cursor: str | None, limit: int) -> list[Document]:
        """Up to ``limit`` reviews of a doctor from the cursor on. Raises DoctorNotFound, ValidationFailed."""
        after = decode_cursor(cursor, _CURSOR_KINDS[sort]) if cursor else None
        self._known_rating(doctor_id)
        return self._reviews.of_doctor(doctor_id, sort, after, limit)

    def rating_of(self, doctor_id: str) -> Document:
        """{sum, count, histogram} of a doctor, zeros where nobody has reviewed. Raises DoctorNotFound."""
        return self._known_rating(doctor_id) or {"sum": 0, "count": 0, "histogram": {}}

    def exported(self, user_id: str) -> Held:
        """What is held about a person, as patient, doctor and reporter."""
        return Held(
            reviews=self._reviews.by_author(user_id),
            replied=self._reviews.replied_by(user_id),
            reported=self._reviews.reported_by(user_id),
            rating=self._standing.rating_of(user_id),
        )

    def _known_rating(self, doctor_id: str) -> Document | None:
        rating, doctor = self._standing.rating_of(doctor_id), self._standing.doctor(doctor_id)
        # a review may be here before doctor-service's word on the doctor; once that is here, it decides
        known = doctor["listed"] if doctor else rating is not None
        if not known:
            raise DoctorNotFound
        return rating

    # what other services announce

    def appointment_completed(self, event: events.AppointmentEnded, session: ClientSession) -> None:
        self._note_visit(event, True, session)

    def appointment_no_show(self, event: events.AppointmentEnded, session: ClientSession) -> None:
        """The patient did not come, also by correction; a review that stands already stays."""
        self._note_visit(event, False, session)

    def doctor_updated(self, event: events.DoctorUpdated, session: ClientSession) -> None:
        if self._tombstones.are_live([event.doctor_id], session):
            shown = listed(moderation_status=event.moderation_status, visible=event.visible, active=event.active)
            self._standing.put_doctor(event.doctor_id, shown, event.version, session)

    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        self._standing.erase(event.user_id, session)
        self._reviews.erase(event.user_id, self._now(), session)
        self._tombstones.bury(event.user_id, receipt(events.SOURCE, event.user_id), session)

    def _note_visit(self, event: events.AppointmentEnded, attended: bool, session: ClientSession) -> None:
        if self._tombstones.are_live([event.patient_id, event.doctor_id], session):
            self._standing.put_visit(
                event.appointment_id,
                event.doctor_id,
                event.patient_id,
                attended=attended,
                version=event.version,
                session=session,
            )


def new_review(
    review_id: str,
    appointment_id: str,
    patient_id: str,
    patient_name: str,
    stars: int,
    comment: str | None,
    at: datetime,
) -> Document:
    """A review as it is posted, but for its doctor, whom the visit knows."""
    return {
        "_id": review_id,
        "appointmentId": appointment_id,
        "patientId": patient_id,
        "rating": stars,
        "comment": comment,
        "author": display_name(patient_name),
        "reply": None,
        "hidden": None,
        "reports": [],
        "createdAt": at,
        "updatedAt": at,
        "version": 1,
    }
