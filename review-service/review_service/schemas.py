"""Shapes of review-service's requests and answers."""

from datetime import date, datetime
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from chassis.mongo import Document
from chassis.schemas import Body, CreatedAt, Day, Id, Page, PageQuery, Query, Shape, Text, Version
from review_service.domain import Sort

Stars = Annotated[int, Field(ge=1, le=5, description="Stars, five for the best.")]
ReviewId = Annotated[Id, Field(description="The review's.")]
AppointmentId = Annotated[Id, Field(description="The appointment's that is reviewed.")]
DoctorId = Annotated[Id, Field(description="The doctor's, which is the user's.")]
Count = Annotated[int, Field(ge=0, description="How many reviews gave as many stars.")]


class ReviewBody(Body):
    rating: Stars
    comment: Text | None = Field(None, description="Shown to everyone.")

    example = MappingProxyType({"rating": 5, "comment": "Took time for all my questions."})


class ReviewPatch(Body):
    """What is left out stays."""

    rating: Stars = Field(default_factory=int)
    comment: Text | None = Field(None, description="Null takes it away.")

    example = MappingProxyType({"rating": 4})

    def fields(self) -> Document:
        """The fields that were sent."""
        return self.model_dump(include=self.model_fields_set)


class ReplyBody(Body):
    text: Text = Field(description="Shown to everyone, below the review.")

    example = MappingProxyType({"text": "Thank you, and get well soon."})


class ReportBody(Body):
    reason: Text = Field(description="Only the admins read it, and not whose it is.")

    example = MappingProxyType({"reason": "It names another patient."})


class HideBody(Body):
    reason: Text = Field(description="The author reads it.")

    example = MappingProxyType({"reason": "Please leave out the names of other people."})


class ReviewsQuery(PageQuery):
    sort: Sort = Field(Sort.RECENT, description="Newest first, or best first.")


class ModerationQuery(PageQuery):
    reported: bool | None = Field(None, description="Only those that somebody reported, or that nobody did.")


class FiguresQuery(Query):
    first: Day | None = Field(None, alias="from", description="First date, in UTC; else 29 days before the last.")
    last: Day | None = Field(None, alias="to", description="Last date, at most 366 in all; else today in UTC.")


class Reply(Shape):
    text: str = Field(description="Shown to everyone, below the review.")
    at: datetime = Field(description="When the doctor wrote it, in UTC.")


class PublicReview(Shape):
    """As everybody sees it."""

    id: ReviewId
    doctor_id: DoctorId
    rating: Stars
    comment: str | None = Field(description="Null where there is none.")
    author: str = Field(description="First name and initial.")
    reply: Reply | None = Field(description="The doctor's; null where there is none.")
    created_at: CreatedAt
    updated_at: datetime = Field(description="When its author last changed it, in UTC.")
    version: Version


class Hidden(Shape):
    reason: str | None = Field(description="Null once its author or doctor is erased.")
    at: datetime = Field(description="When an admin hid it, in UTC.")


class Review(PublicReview):
    """As its author sees it."""

    appointment_id: AppointmentId
    doctor_id: str | None = Field(description="Null once the doctor's account is erased.")  # type: ignore[assignment]
    hidden: Hidden | None = Field(description="Null while everybody may see it.")


class Reviews(Page[PublicReview]):
    """A page of a doctor's reviews."""


class HiddenBy(Hidden):
    by: str | None = Field(description="The admin; null once that one is erased.")


class Report(Shape):
    reason: str | None = Field(description="Null once who reported is erased.")
    at: datetime = Field(description="When it was reported, in UTC.")


class ModeratedReview(PublicReview):
    """As the admins see it."""

    appointment_id: AppointmentId
    doctor_id: str | None = Field(description="Null once the doctor's account is erased.")  # type: ignore[assignment]
    patient_id: str | None = Field(description="Its author; null once that account is erased.")
    hidden: HiddenBy | None = Field(description="Null while everybody may see it.")
    report_count: int = Field(description="How many people reported it.")
    reports: list[Report] = Field(description="Newest first.")


class ModeratedReviews(Page[ModeratedReview]):
    """A page of reviews, for admins."""


class Histogram(Shape):
    """How many reviews gave each number of stars."""

    one: Count = Field(alias="1")
    two: Count = Field(alias="2")
    three: Count = Field(alias="3")
    four: Count = Field(alias="4")
    five: Count = Field(alias="5")


class Rating(Shape):
    average: float = Field(ge=0, le=5, description="Two decimals; 0 where there is no review.")
    count: int = Field(description="How many reviews.")
    histogram: Histogram


class RatingFigures(Rating):
    """What the public reviews of some dates add up to."""

    first: date = Field(alias="from", description="The first date that counts.")
    last: date = Field(alias="to", description="The last date that counts.")
