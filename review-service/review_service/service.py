"""review-service's use cases."""

from collections.abc import Callable
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
from review_service.store import ONE_PER_APPOINTMENT, Store

_CURSOR_KINDS: dict[Sort, tuple[type, ...]] = {
    Sort.RECENT: (datetime, str),
    Sort.RATING: (int, datetime, str),
}


class ReviewService:
    """Reviews of visits, and the ratings that they add up to."""

    def __init__(self, database: Database, *, store: Store, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._store = store
        self._tombstones = Tombstones(database)
        self._now = clock

    # reviews

    def post_review(
        self, appointment_id: str, patient_id: str, patient_name: str, stars: int, comment: str | None
    ) -> Document:
        """Review a completed appointment, once, and count it in: the review.

        Review, rating and announcement commit together, so the figures announced are those after this review.
        Raises NotReviewable (no such visit is known), NotFound (it is another patient's) or AlreadyReviewed.
        """
        now = self._now()
        draft = {
            "_id": new_id(),
            "appointmentId": appointment_id,
            "patientId": patient_id,
            "rating": stars,
            "comment": comment,
            "author": display_name(patient_name),
            "createdAt": now,
            "updatedAt": now,
            "version": 1,
        }

        def work(session: ClientSession) -> Document:
            visit = self._store.take_visit(appointment_id, patient_id, now, session)
            if visit is None:
                raise NotFound if self._store.has_visit(appointment_id, session) else NotReviewable
            review = {**draft, "doctorId": visit["doctorId"]}
            rating = self._store.count_in(visit["doctorId"], stars, session)
            self._store.add_review({**review, "outbox": [events.review_posted(review, rating)]}, session)
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
        return self._store.reviews_of(doctor_id, sort, after, limit)

    def rating_of(self, doctor_id: str) -> Document:
        """{sum, count, histogram} of a doctor, zeros where nobody has reviewed. Raises DoctorNotFound."""
        return self._known_rating(doctor_id) or {"sum": 0, "count": 0, "histogram": {}}

    def exported(self, user_id: str) -> tuple[list[Document], Document | None]:
        """What is held about a person: the reviews that a patient wrote, and what those of a doctor add up to."""
        return self._store.reviews_by(user_id), self._store.rating_of(user_id)

    def _known_rating(self, doctor_id: str) -> Document | None:
        rating, doctor = self._store.rating_of(doctor_id), self._store.doctor(doctor_id)
        # a review may be here before doctor-service's word on the doctor; once that is here, it decides
        known = doctor["listed"] if doctor else rating is not None
        if not known:
            raise DoctorNotFound
        return rating

    # what other services announce

    def appointment_completed(self, event: events.AppointmentCompleted, session: ClientSession) -> None:
        if self._tombstones.are_live([event.patient_id, event.doctor_id], session):
            self._store.put_visit(event.appointment_id, event.doctor_id, event.patient_id, event.version, session)

    def doctor_updated(self, event: events.DoctorUpdated, session: ClientSession) -> None:
        if self._tombstones.are_live([event.doctor_id], session):
            shown = listed(moderation_status=event.moderation_status, visible=event.visible, active=event.active)
            self._store.put_doctor(event.doctor_id, shown, event.version, session)

    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        self._store.erase(event.user_id, self._now(), session)
        self._tombstones.bury(event.user_id, receipt(events.SOURCE, event.user_id), session)
