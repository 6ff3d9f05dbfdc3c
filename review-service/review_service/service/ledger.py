"""The one way in which a standing review changes: with the doctor's figures, and the announcement of both."""

from pymongo.client_session import ClientSession

from chassis.errors import VersionMismatch
from chassis.events import Event
from chassis.mongo import Document
from review_service import events
from review_service.domain import counted_stars
from review_service.store import ReviewStore, StandingStore


class Ledger:
    def __init__(self, reviews: ReviewStore, standing: StandingStore) -> None:
        self._reviews = reviews
        self._standing = standing

    def write(self, review: Document, changes: Document, change: str, session: ClientSession, *told: Event) -> Document:
        """Set fields of a review as it was read in this transaction: the review after it.

        Where that changes what is counted, the doctor's figures change with it and ``review-changed`` tells of it;
        ``told`` is announced in any case. The review is written even if only figures change: that is what a
        concurrent erasure of its author or doctor conflicts with.
        """
        before, after = counted_stars(review), counted_stars({**review, **changes})
        announced = list(told)
        if before != after:
            rating = self._standing.recount(review["doctorId"], before, after, session)
            if rating is not None:
                stars = after if after is not None else before
                announced.append(events.review_changed({**review, "rating": stars}, rating, change))
        written = self._reviews.change(review, changes, announced, session)
        if written is None:
            raise VersionMismatch
        return written
