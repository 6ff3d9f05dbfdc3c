"""Shapes of doctor-service's requests and answers."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from chassis.mongo import Document
from chassis.schemas import Body, Line, PageQuery, Shape, Text, Zone
from doctor_service.domain import Moderation

_YEAR_MINUTES = 366 * 24 * 60


def _hundredths(amount: float) -> float:
    if round(Decimal(str(amount)), 2) != Decimal(str(amount)):
        raise ValueError("must have at most two decimals")
    return amount


def _stored(fields: Document) -> Document:
    if fee := fields.get("fee"):
        fields["fee"] = {"hundredths": int(Decimal(str(fee["amount"])) * 100), "currency": fee["currency"]}
    return fields


def _https(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme == "https" and parts.hostname and parts.username is None and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("must be an https:// address")
    return text


def written_day(text: str) -> str:
    """The text, if it is a date of the calendar. Raises ValueError."""
    try:
        # fromisoformat reads other forms of ISO 8601 too
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise ValueError("must be a date such as 2026-04-09")


Amount = Annotated[float, Field(ge=0, le=10_000_000, description="At most two decimals."), AfterValidator(_hundredths)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217, such as EUR.")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2, such as FR.")]
Language = Annotated[
    str, Field(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", description="BCP 47, such as de-CH.")
]
HttpsUrl = Annotated[str, Field(max_length=2048, pattern=r"^https://[!-~]+$"), AfterValidator(_https)]
Opening = Annotated[
    str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][05]$", description="HH:MM, a multiple of 5 minutes.")
]
Closing = Annotated[
    str,
    Field(
        pattern=r"^(([01][0-9]|2[0-3]):[0-5][05]|24:00)$",
        description="HH:MM, a multiple of 5 minutes; 24:00 (or 00:00) is the midnight that ends the day.",
    ),
    AfterValidator(lambda text: "24:00" if text == "00:00" else text),
]
Day = Annotated[str, AfterValidator(written_day), Field(description="YYYY-MM-DD.")]
Weekday = Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]


class FeeBody(Body):
    amount: Amount
    currency: Currency


class ClinicBody(Body):
    name: Line
    address: Line | None = None
    city: Line | None = None
    country: Country | None = None


class ProfileBody(Body):
    specialty: Line
    bio: Text | None = None
    qualifications: list[Line] = Field([], max_length=20)
    languages: list[Language] = Field([], max_length=20)
    experience_years: int = Field(0, ge=0, le=80)
    fee: FeeBody | None = None
    clinic: ClinicBody | None = None
    photo_url: HttpsUrl | None = None

    def fields(self) -> Document:
        """All fields as the document keeps them, the fee in whole hundredths."""
        return _stored(self.model_dump(by_alias=True))


class ProfilePatch(ProfileBody):
    """What is left out stays; ``fee`` and ``clinic`` are replaced whole."""

    specialty: Line = Field(default_factory=str)

    def fields(self) -> Document:
        """The fields that were sent."""
        # not exclude_unset: within a fee or clinic that is sent, what is left out becomes null
        return _stored(self.model_dump(by_alias=True, include=self.model_fields_set))


class VisibilityBody(Body):
    visible: bool


class AcceptingBody(Body):
    accepting: bool


class WindowBody(Body):
    opens: Opening = Field(alias="from")
    closes: Closing = Field(alias="to")


class WeeklyWindowBody(WindowBody):
    weekday: Weekday


class AvailabilityBody(Body):
    timezone: Zone
    slot_minutes: int = Field(ge=5, le=480, multiple_of=5, description="Length of an appointment.")
    buffer_minutes: int = Field(0, ge=0, le=240, multiple_of=5, description="Pause after each appointment.")
    min_notice_minutes: int = Field(0, ge=0, le=_YEAR_MINUTES, description="How long before its start one may book.")
    horizon_days: int = Field(60, ge=1, le=366, description="How many days ahead one may book.")
    cancellation_notice_minutes: int = Field(
        0, ge=0, le=_YEAR_MINUTES, description="How long before its start a patient may cancel."
    )
    requires_confirmation: bool = False
    unattended_outcome: Literal["COMPLETED", "NO_SHOW"] = Field(
        "COMPLETED", description="What becomes of an appointment that nobody checked in to."
    )
    weekly: list[WeeklyWindowBody] = Field(max_length=100)


class OverrideBody(Body):
    windows: list[WindowBody] = Field(max_length=24, description="None is a day off.")
    reason: Line | None = Field(None, description="For the doctor alone.")


class RefusalBody(Body):
    reason: Text = Field(description="The doctor reads it.")


class SearchQuery(PageQuery):
    q: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Words of name, specialty, city, clinic or bio; but for the bio, their beginnings do.",
    )
    specialty: Line | None = None
    city: Line | None = None
    language: Language | None = Field(None, description="BCP 47; `de` finds `de-CH` too.")
    accepting: bool | None = None
    min_rating: float | None = Field(None, ge=0, le=5)
    sort: Literal["rating", "name", "experience", "fee"] = "rating"


class OverridesQuery(PageQuery):
    first: Day | None = Field(None, alias="from", description="The first date.")
    last: Day | None = Field(None, alias="to", description="The last date.")


class ModerationQuery(PageQuery):
    moderation_status: Moderation | None = None


class Fee(Shape):
    amount: float
    currency: str


class Clinic(Shape):
    name: str
    address: str | None
    city: str | None
    country: str | None


class Rating(Shape):
    average: float
    count: int


class PublicDoctor(Shape):
    id: str
    name: str
    specialty: str
    bio: str | None
    qualifications: list[str]
    languages: list[str]
    experience_years: int
    fee: Fee | None
    clinic: Clinic | None
    photo_url: str | None
    accepting: bool
    rating: Rating
    followers: int
    next_available: datetime | None = Field(
        description="When the next free slot starts, as of a moment ago; null where nothing can be booked."
    )


class Doctors(Shape):
    items: list[PublicDoctor]
    next_cursor: str | None


class Profile(PublicDoctor):
    moderation_status: Moderation
    moderation_reason: str | None
    visible: bool
    active: bool
    created_at: datetime
    updated_at: datetime
    version: int


class Decision(Shape):
    status: Moderation
    at: datetime
    by: str | None = Field(description="The doctor's own id, or an admin's; null once that admin was erased.")
    reason: str | None = None


class ModeratedDoctor(Profile):
    moderation_history: list[Decision]


class ModeratedDoctors(Shape):
    items: list[ModeratedDoctor]
    next_cursor: str | None


class Window(Shape):
    opens: str = Field(alias="from")
    closes: str = Field(alias="to")


class WeeklyWindow(Window):
    weekday: Weekday


class Availability(Shape):
    timezone: str
    slot_minutes: int
    buffer_minutes: int
    min_notice_minutes: int
    horizon_days: int
    cancellation_notice_minutes: int
    requires_confirmation: bool
    unattended_outcome: Literal["COMPLETED", "NO_SHOW"]
    weekly: list[WeeklyWindow]


class OwnAvailability(Availability):
    version: int


class Override(Shape):
    date: str
    windows: list[Window]
    reason: str | None


class SetOverride(Override):
    version: int


class Overrides(Shape):
    items: list[Override]
    next_cursor: str | None


class Follow(Shape):
    doctor_id: str
    followed_at: datetime
    doctor: PublicDoctor | None = Field(description="None while the doctor is not listed.")


class Following(Shape):
    items: list[Follow]
    next_cursor: str | None
