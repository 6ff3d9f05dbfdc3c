"""What people do to a review that stands: its author, its doctor, and whoever reports it."""

from collections.abc import Callable
from datetime import datetime

from pymongo.client_session import ClientSession

from chassis.errors import NotFound, TokenInvalid, VersionMismatch
from chassis.mongo import Database, Document
from chassis.tombstones import Tombstones
from review_service.service.ledger import Ledger
from review_service.store import ReviewStore, StandingStore


class Changes:
    """Each change takes the version it was made for (``expected``), None meaning any, and raises VersionMismatch if
    that is not the present one. What is not the person's to change is NotFound.
    """

    def __init__(
        self, database: Database, *, reviews: ReviewStore, standing: StandingStore, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._reviews = reviews
        self._ledger = Ledger(reviews, standing)
        self._tombstones = Tombstones(database)
        self._now = clock

    # the author's

    def own(self, review_id: str, author_id: str) -> Document:
        """A person's own review. Raises NotFound."""
        return self._of_author(review_id, author_id, None)

    def own_of(self, appointment_id: str, author_id: str) -> Document:
        """A person's own review of an appointment. Raises NotFound."""
        return _own(self._reviews.of_appointment(appointment_id), author_id)

    def edit(self, review_id: str, author_id: str, sent: Document, expected: int | None) -> Document:
        """Change ``rating`` and ``comment`` as sent; what is as it was makes no new version."""

        def work(session: ClientSession) -> Document:
            review = self._of_author(review_id, author_id, session)
            _check(review, expected)
            changes = {key: value for key, value in sent.items() if review[key] != value}
            if not changes:
                return review
            return self._ledger.write(review, {**changes, "updatedAt": self._now()}, "edited", session)

        return self._database.transact(work)

    def delete(self, review_id: str, author_id: str, expected: int | None) -> None:
        """Take the review back for good: its figures go, and the appointment cannot be reviewed again."""

        def work(session: ClientSession) -> None:
            review = self._of_author(review_id, author_id, session)
            _check(review, expected)
            left: Document = {
                **dict.fromkeys(("doctorId", "patientId", "rating", "comment", "author", "reply", "hidden")),
                "reports": [],
                "reported": None,
                "deletedAt": self._now(),
            }
            self._ledger.write(review, left, "deleted", session)

        self._database.transact(work)

    # the doctor's

    def reply(self, review_id: str, doctor_id: str, text: str, expected: int | None) -> Document:
        """Answer a review for all to read, or answer it anew; the same text again changes nothing."""

        def decide(review: Document) -> Document:
            reply = review.get("reply")
            return {} if reply and reply["text"] == text else {"reply": {"text": text, "at": self._now()}}

        return self._by_doctor(review_id, doctor_id, decide, expected)

    def withdraw_reply(self, review_id: str, doctor_id: str, expected: int | None) -> Document:
        """Take the reply back; where there is none nothing changes."""
        return self._by_doctor(
            review_id, doctor_id, lambda review: {"reply": None} if review.get("reply") else {}, expected
        )

    # anybody's

    def report(self, review_id: str, reporter_id: str, reason: str) -> None:
        """Point the admins to a public review; each person once, and no more than a hundred are kept.

        Raises NotFound (the review is not public) or TokenInvalid (the reporter was erased).
        """
        report = {"by": reporter_id, "reason": reason, "at": self._now()}

        def work(session: ClientSession) -> None:
            if not self._tombstones.are_live([reporter_id], session):
                raise TokenInvalid
            if not self._reviews.report(review_id, report, session):
                _public(self._reviews.one(review_id, session))

        self._database.transact(work)

    # steps

    def _by_doctor(
        self, review_id: str, doctor_id: str, decide: Callable[[Document], Document], expected: int | None
    ) -> Document:
        def work(session: ClientSession) -> Document:
            review = _public(self._reviews.one(review_id, session))
            if review["doctorId"] != doctor_id:
                raise NotFound
            _check(review, expected)
            changes = decide(review)
            return self._ledger.write(review, changes, "edited", session) if changes else review

        return self._database.transact(work)

    def _of_author(self, review_id: str, author_id: str, session: ClientSession | None) -> Document:
        return _own(self._reviews.one(review_id, session), author_id)


def _own(review: Document | None, author_id: str) -> Document:
    if review is None or review["patientId"] != author_id:
        raise NotFound
    return review


def _public(review: Document | None) -> Document:
    if review is None or review.get("hidden") or review["doctorId"] is None:
        raise NotFound
    return review


def _check(review: Document, expected: int | None) -> None:
    if expected is not None and expected != review["version"]:
        raise VersionMismatch
