"""Fields that several shapes share: dates, times of day, money, languages."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from chassis.schemas import Id


def _hundredths(amount: float) -> float:
    if round(Decimal(str(amount)), 2) != Decimal(str(amount)):
        raise ValueError("must have at most two decimals")
    return amount


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


Amount = Annotated[
    float,
    Field(ge=0, le=10_000_000, description="In whole units of the currency, at most two decimals."),
    AfterValidator(_hundredths),
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217, such as EUR.")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2, such as FR.")]
Language = Annotated[
    str, Field(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", description="BCP 47, such as de-CH.")
]
HttpsUrl = Annotated[
    str,
    Field(
        max_length=2048,
        pattern=r"^https://[!-~]+$",
        description="Where a picture of the doctor is; https alone.",
        json_schema_extra={"format": "uri"},
    ),
    AfterValidator(_https),
]
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
Day = Annotated[
    str, AfterValidator(written_day), Field(description="YYYY-MM-DD.", json_schema_extra={"format": "date"})
]
Weekday = Annotated[
    Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"], Field(description="In the zone of the calendar.")
]
DoctorId = Annotated[Id, Field(description="The doctor's, which is the user's.")]
