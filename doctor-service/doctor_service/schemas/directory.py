"""Shapes of what everybody sees of the doctors."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from chassis.schemas import Line, Page, PageQuery, Shape
from doctor_service.schemas.fields import DoctorId, Language
from doctor_service.schemas.profiles import PublicDoctor


class SearchQuery(PageQuery):
    q: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Words of name, specialty, city, clinic or bio; but for the bio, their beginnings do.",
    )
    specialty: Line | None = Field(None, description="The whole of it, without regard to case or accents.")
    city: Line | None = Field(None, description="The clinic's, without regard to case or accents.")
    language: Language | None = Field(None, description="BCP 47; `de` finds `de-CH` too.")
    accepting: bool | None = Field(None, description="Only doctors who take new appointments, or who do not.")
    min_rating: float | None = Field(None, ge=0, le=5, description="Average stars at the least.")
    sort: Literal["rating", "name", "experience", "fee"] = Field(
        "rating", description="Best first, by name, most experienced first, or cheapest first."
    )


class Doctors(Page[PublicDoctor]):
    """A page of doctors."""


class Follow(Shape):
    doctor_id: DoctorId
    followed_at: datetime = Field(description="Since when, in UTC.")
    doctor: PublicDoctor | None = Field(description="Null while the doctor is not listed.")


class Following(Page[Follow]):
    """A page of whom a patient follows."""
