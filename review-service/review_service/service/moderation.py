"""What admins decide about reviews, and what these add up to."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pymongo.client_session import ClientSession

from chassis.errors import NotFound, TokenInvalid
from chassis.mongo import Database, Document
from chassis.schemas import invalid
from chassis.tombstones import Tombstones
from review_service import events
from review_service.domain import MOST_DAYS, USUAL_DAYS
from review_service.service.ledger import Ledger
from review_service.store import ReviewStore, StandingStore


class Moderation:
    """Hidden and restored reviews. Raises NotFound (no such review stands) and TokenInvalid (the admin was erased)."""

    def __init__(
        self, database: Database, *, reviews: ReviewStore, standing: StandingStore, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._reviews = reviews
        self._ledger = Ledger(reviews, standing)
        self._tombstones = Tombstones(database)
        self._now = clock

    def all(self, reported: bool | None, after: Sequence[Any] | None, limit: int) -> list[Document]:
        """Up to ``limit`` reviews, newest first; None for reported or not."""
        return self._reviews.all(reported, after, limit)

    def figures(self, first: date | None, last: date | None) -> Document:
        """{from, to, count, sum, histogram: {stars: n}} of the public reviews written on these days (UTC).

        Without them it is the 30 days up to today. Raises ValidationFailed for no days, or more than 366.
        """
        last = last or self._now().date()
        first = first or date.fromordinal(max(last.toordinal() - USUAL_DAYS + 1, date.min.toordinal()))
        if last < first:
            raise invalid("to", "must not be before from")
        if (last - first).days >= MOST_DAYS:
            raise invalid("to", f"must be at most {MOST_DAYS} days, from and to included")
        since, end = (datetime.combine(day, time(), UTC) for day in (first, last))
        # the last day of all has no midnight after it
        stars = self._reviews.stars(since, end + min(timedelta(days=1), datetime.max.replace(tzinfo=UTC) - end))
        return {
            "from": first,
            "to": last,
            "count": sum(stars.values()),
            "sum": sum(star * count for star, count in stars.items()),
            "histogram": {str(star): count for star, count in stars.items()},
        }

    def hide(self, review_id: str, admin_id: str, reason: str) -> Document:
        """Let nobody but its author see the review, and count it no more; again changes nothing."""
        hidden = {"reason": reason, "at": self._now(), "by": admin_id}
        return self._decide(review_id, admin_id, hidden, "hidden")

    def restore(self, review_id: str, admin_id: str) -> Document:
        """Let everybody see a hidden review again, and count it; again changes nothing."""
        return self._decide(review_id, admin_id, None, "restored")

    def _decide(self, review_id: str, admin_id: str, hidden: Document | None, change: str) -> Document:
        def work(session: ClientSession) -> Document:
            if not self._tombstones.are_live([admin_id], session):
                raise TokenInvalid
            review = self._reviews.one(review_id, session)
            if review is None:
                raise NotFound
            if bool(review.get("hidden")) == bool(hidden):
                return review
            audited = events.moderation_audited(change, review, admin_id)
            return self._ledger.write(review, {"hidden": hidden}, change, session, audited)

        return self._database.transact(work)
