"""Reviews: their authors post, change and delete them, everybody reads them."""

from typing import Any

from chassis.api import PATIENT, PUBLIC, SELF, Api, Reply, etag, expected_version, identity
from chassis.errors import NotFound, VersionMismatch
from chassis.headers import ETAG
from chassis.mongo import Document
from chassis.paging import page
from review_service import errors
from review_service.routes.rendering import figures, own, public
from review_service.schemas import (
    AppointmentId,
    DoctorId,
    Rating,
    Review,
    ReviewBody,
    ReviewId,
    ReviewPatch,
    Reviews,
    ReviewsQuery,
)
from review_service.service import Changes, ReviewService
from review_service.store import SORT_KEYS


def routes(service: ReviewService, changes: Changes) -> Api:
    api = Api("reviews")

    @api.post(
        "/appointments/<id>/review",
        access=PATIENT,
        status=201,
        returns=Review,
        errors=[NotFound, errors.NotReviewable, errors.AlreadyReviewed],
        headers=[ETAG],
        message="Thank you for your review.",
    )
    def post_review(id: AppointmentId, body: ReviewBody) -> Reply:
        """Review one's own appointment after it has taken place; once."""
        who = identity()
        posted = service.post_review(id, who.user_id, who.name, body.rating, body.comment)
        return _reply(posted)

    @api.get("/appointments/<id>/review", access=SELF, returns=Review, errors=[NotFound], headers=[ETAG])
    def review_of_appointment(id: AppointmentId) -> Reply:
        """One's own review of that appointment, for whoever no longer knows its id."""
        return _reply(changes.own_of(id, identity().user_id))

    @api.get("/reviews/<id>", access=SELF, returns=Review, errors=[NotFound], headers=[ETAG])
    def review(id: ReviewId) -> Reply:
        """One's own review, also while it is hidden."""
        return _reply(changes.own(id, identity().user_id))

    @api.patch(
        "/reviews/<id>",
        access=SELF,
        returns=Review,
        errors=[NotFound, VersionMismatch],
        headers=[ETAG],
        message="Your review is saved.",
    )
    def patch_review(id: ReviewId, body: ReviewPatch) -> Reply:
        """Change what is sent of one's own review and leave the rest."""
        return _reply(changes.edit(id, identity().user_id, body.fields(), expected_version()))

    @api.delete("/reviews/<id>", access=SELF, errors=[NotFound, VersionMismatch], message="Your review is deleted.")
    def delete_review(id: ReviewId) -> None:
        """Take one's own review back for good; the appointment cannot be reviewed again."""
        changes.delete(id, identity().user_id, expected_version())

    @api.get("/doctors/<id>/reviews", access=PUBLIC, returns=Reviews, errors=[errors.DoctorNotFound])
    def reviews(id: DoctorId, query: ReviewsQuery) -> dict[str, Any]:
        """A doctor's reviews."""
        found = service.reviews_of(id, query.sort, query.cursor, query.limit + 1)
        keys = SORT_KEYS[query.sort]
        return page(found, query.limit, lambda review: [review[key] for key in keys], public)

    @api.get("/doctors/<id>/rating", access=PUBLIC, returns=Rating, errors=[errors.DoctorNotFound])
    def rating(id: DoctorId) -> dict[str, Any]:
        """What a doctor's reviews add up to."""
        return figures(service.rating_of(id))

    return api


def _reply(review: Document) -> Reply:
    return Reply(own(review), headers=etag(review["version"]))
