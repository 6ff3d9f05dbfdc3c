"""Shapes of doctors' profiles."""

from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from pydantic import Field

from chassis.mongo import Document
from chassis.schemas import Body, CreatedAt, Line, Shape, Text, UpdatedAt, Version
from doctor_service.domain import Moderation
from doctor_service.schemas.fields import Amount, Country, Currency, DoctorId, HttpsUrl, Language

# what a doctor says of a profile, and what everybody reads of it
_SPECIALTY = "Such as Dermatology."
_BIO = "In the doctor's own words."
_QUALIFICATIONS = "Degrees and titles, one to an item."
_LANGUAGES = "What the doctor speaks, each in BCP 47, such as de-CH."
_EXPERIENCE = "Whole years of practice."
_ADDRESS = "Street and number."
_MODERATION_REASON = "Why an admin turned the profile down or suspended it; else null."

_PROFILE: dict[str, object] = {
    "specialty": "Dermatology",
    "bio": "Skin, hair and nails, for grown-ups and children.",
    "qualifications": ["MD, University of Bern", "FMH Dermatology"],
    "languages": ["de-CH", "fr"],
    "experienceYears": 12,
    "fee": {"amount": 120.5, "currency": "CHF"},
    "clinic": {"name": "Clinic on the Lake", "address": "Seestrasse 12", "city": "Zürich", "country": "CH"},
    "photoUrl": "https://pictures.clinic.example/roth.jpg",
}


def _stored(fields: Document) -> Document:
    if fee := fields.get("fee"):
        fields["fee"] = {"hundredths": int(Decimal(str(fee["amount"])) * 100), "currency": fee["currency"]}
    return fields


class FeeBody(Body):
    """What a visit costs."""

    amount: Amount
    currency: Currency


class ClinicBody(Body):
    """Where the doctor works."""

    name: Line = Field(description="As it shall be shown.")
    address: Line | None = Field(None, description=_ADDRESS)
    city: Line | None = Field(None, description="As patients search for it.")
    country: Country | None = None


class ProfileBody(Body):
    specialty: Line = Field(description=_SPECIALTY)
    bio: Text | None = Field(None, description=_BIO)
    qualifications: list[Line] = Field([], max_length=20, description=_QUALIFICATIONS)
    languages: list[Language] = Field([], max_length=20, description=_LANGUAGES)
    experience_years: int = Field(0, ge=0, le=80, description=_EXPERIENCE)
    fee: FeeBody | None = None
    clinic: ClinicBody | None = None
    photo_url: HttpsUrl | None = None

    example = MappingProxyType(_PROFILE)

    def fields(self) -> Document:
        """All fields as the document keeps them, the fee in whole hundredths."""
        return _stored(self.model_dump(by_alias=True))


class ProfilePatch(ProfileBody):
    """What is left out stays; ``fee`` and ``clinic`` are replaced whole."""

    specialty: Line = Field(default_factory=str, description=_SPECIALTY)

    example = MappingProxyType({"bio": "Skin and hair.", "fee": {"amount": 110, "currency": "CHF"}})

    def fields(self) -> Document:
        """The fields that were sent."""
        # not exclude_unset: within a fee or clinic that is sent, what is left out becomes null
        return _stored(self.model_dump(by_alias=True, include=self.model_fields_set))


class VisibilityBody(Body):
    visible: bool = Field(description="Whether patients find the doctor, once the profile is approved.")

    example = MappingProxyType({"visible": True})


class AcceptingBody(Body):
    accepting: bool = Field(description="Whether new appointments can be booked; those made before stand.")

    example = MappingProxyType({"accepting": False})


class Fee(Shape):
    """What a visit costs."""

    amount: Amount
    currency: Currency


class Clinic(Shape):
    """Where the doctor works."""

    name: str = Field(description="As it is shown.")
    address: str | None = Field(description=_ADDRESS)
    city: str | None = Field(description="As patients search for it.")
    country: Country | None


class Rating(Shape):
    """What the doctor's reviews add up to."""

    average: float = Field(description="Stars, two decimals; 0 where there is no review.")
    count: int = Field(description="How many reviews.")


class PublicDoctor(Shape):
    """A doctor as everybody sees one."""

    id: DoctorId
    name: str = Field(description="As it is shown.")
    specialty: str = Field(description=_SPECIALTY)
    bio: str | None = Field(description=_BIO)
    qualifications: list[str] = Field(description=_QUALIFICATIONS)
    languages: list[str] = Field(description=_LANGUAGES)
    experience_years: int = Field(description=_EXPERIENCE)
    fee: Fee | None
    clinic: Clinic | None
    photo_url: HttpsUrl | None
    accepting: bool = Field(description="Whether new appointments can be booked.")
    rating: Rating
    followers: int = Field(description="How many patients follow the doctor.")
    next_available: datetime | None = Field(
        description="When the next free slot starts, in UTC, as of a moment ago; null where nothing can be booked."
    )


class Profile(PublicDoctor):
    """A profile as its doctor sees it."""

    moderation_status: Moderation
    moderation_reason: str | None = Field(description=_MODERATION_REASON)
    visible: bool = Field(description="Whether the doctor wishes to be found.")
    active: bool = Field(description="Whether the doctor's account is open.")
    created_at: CreatedAt
    updated_at: UpdatedAt
    version: Version
