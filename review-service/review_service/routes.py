"""review-service's routes: parse, call, render."""

from typing import Any

from chassis.api import PATIENT, PUBLIC, Api, Reply, etag, identity
from chassis.errors import NotFound
from chassis.mongo import Document
from chassis.paging import page
from review_service import errors
from review_service.domain import STARS, average
from review_service.schemas import Rating, Review, ReviewBody, Reviews, ReviewsQuery
from review_service.service import ReviewService
from review_service.store import SORT_KEYS


def routes(service: ReviewService) -> Api:
    api = Api("reviews")

    @api.post(
        "/appointments/<id>/review",
        access=PATIENT,
        status=201,
        returns=Review,
        errors=[NotFound, errors.NotReviewable, errors.AlreadyReviewed],
        message="Thank you for your review.",
    )
    def post_review(id: str, body: ReviewBody) -> Reply:
        """Review one's own appointment after it has taken place; once."""
        who = identity()
        review = service.post_review(id, who.user_id, who.name, body.rating, body.comment)
        return Reply(_own(review), headers=etag(review["version"]))

    @api.get("/doctors/<id>/reviews", access=PUBLIC, returns=Reviews, errors=[errors.DoctorNotFound])
    def reviews(id: str, query: ReviewsQuery) -> dict[str, Any]:
        """A doctor's reviews."""
        found = service.reviews_of(id, query.sort, query.cursor, query.limit + 1)
        keys = SORT_KEYS[query.sort]
        return page(found, query.limit, lambda review: [review[key] for key in keys], _public)

    @api.get("/doctors/<id>/rating", access=PUBLIC, returns=Rating, errors=[errors.DoctorNotFound])
    def rating(id: str) -> dict[str, Any]:
        """What a doctor's reviews add up to."""
        return _figures(service.rating_of(id))

    return api


def exported(reviews: list[Document], rating: Document | None) -> Document:
    """What the export tells a person; what others wrote about a doctor is theirs."""
    return {"reviews": [_own(review) for review in reviews], "rating": rating and _figures(rating)}


def _own(review: Document) -> Document:
    return {**_public(review), "appointmentId": review["appointmentId"]}


def _figures(rating: Document) -> Document:
    return {
        "average": average(rating["sum"], rating["count"]),
        "count": rating["count"],
        "histogram": {str(stars): rating["histogram"].get(str(stars), 0) for stars in STARS},
    }


def _public(review: Document) -> Document:
    # the author's id and the appointment's are nobody else's business
    shown = ("doctorId", "rating", "comment", "author", "createdAt", "updatedAt", "version")
    return {"id": review["_id"], **{key: review[key] for key in shown}}
