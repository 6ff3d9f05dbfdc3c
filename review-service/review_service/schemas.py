"""Shapes of review-service's requests and answers."""

from datetime import datetime

from pydantic import Field

from chassis.schemas import Body, PageQuery, Shape, Text
from review_service.domain import Sort


class ReviewBody(Body):
    rating: int = Field(ge=1, le=5, description="Stars.")
    comment: Text | None = Field(None, description="Shown to everyone.")


class ReviewsQuery(PageQuery):
    sort: Sort = Field(Sort.RECENT, description="Newest first, or best first.")


class PublicReview(Shape):
    id: str
    doctor_id: str
    rating: int
    comment: str | None
    author: str = Field(description="First name and initial.")
    created_at: datetime
    updated_at: datetime
    version: int


class Review(PublicReview):
    """As its author sees it."""

    appointment_id: str


class Reviews(Shape):
    items: list[PublicReview]
    next_cursor: str | None


class Histogram(Shape):
    """How many reviews gave each number of stars."""

    one: int = Field(alias="1")
    two: int = Field(alias="2")
    three: int = Field(alias="3")
    four: int = Field(alias="4")
    five: int = Field(alias="5")


class Rating(Shape):
    average: float = Field(ge=0, le=5, description="Two decimals; 0 where there is no review.")
    count: int
    histogram: Histogram
