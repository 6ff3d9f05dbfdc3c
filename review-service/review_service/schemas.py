"""Shapes of review-service's requests and answers."""

from datetime import datetime

from pydantic import Field

from chassis.mongo import Document
from chassis.schemas import Body, PageQuery, Shape, Text
from review_service.domain import Sort


class ReviewBody(Body):
    rating: int = Field(ge=1, le=5, description="Stars.")
    comment: Text | None = Field(None, description="Shown to everyone.")


class ReviewPatch(Body):
    """What is left out stays."""

    rating: int = Field(default_factory=int, ge=1, le=5, description="Stars.")
    comment: Text | None = Field(None, description="Null takes it away.")

    def fields(self) -> Document:
        """The fields that were sent."""
        return self.model_dump(include=self.model_fields_set)


class ReplyBody(Body):
    text: Text = Field(description="Shown to everyone, below the review.")


class ReportBody(Body):
    reason: Text = Field(description="Only the admins read it, and not whose it is.")


class HideBody(Body):
    reason: Text = Field(description="The author reads it.")


class ReviewsQuery(PageQuery):
    sort: Sort = Field(Sort.RECENT, description="Newest first, or best first.")


class ModerationQuery(PageQuery):
    reported: bool | None = Field(None, description="Only those that somebody reported, or that nobody did.")


class Reply(Shape):
    text: str
    at: datetime


class PublicReview(Shape):
    id: str
    doctor_id: str
    rating: int
    comment: str | None
    author: str = Field(description="First name and initial.")
    reply: Reply | None = Field(description="The doctor's.")
    created_at: datetime
    updated_at: datetime = Field(description="When its author last changed it.")
    version: int


class Hidden(Shape):
    reason: str | None = Field(description="Null once its author or doctor is erased.")
    at: datetime


class Review(PublicReview):
    """As its author sees it."""

    appointment_id: str
    doctor_id: str | None = Field(description="Null once the doctor's account is erased.")  # type: ignore[assignment]
    hidden: Hidden | None = Field(description="Null while everybody may see it.")


class Reviews(Shape):
    items: list[PublicReview]
    next_cursor: str | None


class HiddenBy(Hidden):
    by: str | None = Field(description="The admin; null once that one is erased.")


class Report(Shape):
    reason: str | None = Field(description="Null once who reported is erased.")
    at: datetime


class ModeratedReview(PublicReview):
    """As the admins see it."""

    appointment_id: str
    doctor_id: str | None  # type: ignore[assignment]
    patient_id: str | None
    hidden: HiddenBy | None
    report_count: int
    reports: list[Report] = Field(description="Newest first.")


class ModeratedReviews(Shape):
    items: list[ModeratedReview]
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
