"""What admins decide about reviews, and what these add up to."""

from datetime import datetime
from typing import Any

from chassis.api import ADMIN, Api, Reply, etag, identity
from chassis.errors import NotFound, TokenInvalid
from chassis.headers import ETAG
from chassis.mongo import Document
from chassis.paging import decode_cursor, page
from review_service.routes.rendering import figures, moderated
from review_service.schemas import (
    FiguresQuery,
    HideBody,
    ModeratedReview,
    ModeratedReviews,
    ModerationQuery,
    RatingFigures,
    ReviewId,
)
from review_service.service import Moderation

_ERRORS = [NotFound, TokenInvalid]


def routes(decisions: Moderation) -> Api:
    api = Api("moderation")

    @api.get("/admin/reviews", access=ADMIN, returns=ModeratedReviews)
    def all_reviews(query: ModerationQuery) -> dict[str, Any]:
        """All reviews, newest first, with what was reported of them."""
        after = decode_cursor(query.cursor, [datetime, str]) if query.cursor else None
        found = decisions.all(query.reported, after, query.limit + 1)
        return page(found, query.limit, lambda review: [review["createdAt"], review["_id"]], moderated)

    @api.get("/admin/analytics/reviews", access=ADMIN, returns=RatingFigures, heavy=True)
    def all_ratings(query: FiguresQuery) -> Document:
        """What the public reviews add up to that were written on these dates, of all doctors."""
        found = decisions.figures(query.first, query.last)
        return {"from": found["from"], "to": found["to"], **figures(found)}

    @api.post(
        "/admin/reviews/<id>/hide",
        access=ADMIN,
        returns=ModeratedReview,
        errors=_ERRORS,
        headers=[ETAG],
        message="Hidden.",
    )
    def hide(id: ReviewId, body: HideBody) -> Reply:
        """Let nobody but its author see a review, and count it no more; again is the same as once."""
        return _reply(decisions.hide(id, identity().user_id, body.reason))

    @api.post(
        "/admin/reviews/<id>/restore",
        access=ADMIN,
        returns=ModeratedReview,
        errors=_ERRORS,
        headers=[ETAG],
        message="Restored.",
    )
    def restore(id: ReviewId) -> Reply:
        """Let everybody see a hidden review again, and count it; again is the same as once."""
        return _reply(decisions.restore(id, identity().user_id))

    return api


def _reply(review: Document) -> Reply:
    return Reply(moderated(review), headers=etag(review["version"]))
