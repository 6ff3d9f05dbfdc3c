"""What admins decide about reviews."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession

from chassis.errors import NotFound, TokenInvalid
from chassis.mongo import Database, Document
from chassis.tombstones import Tombstones
from review_service import events
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
