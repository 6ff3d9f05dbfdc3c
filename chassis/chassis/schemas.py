"""The base of every request and response shape: camelCase outside, strict, nothing unknown."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Generic, TypeVar
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    Strict,
    StringConstraints,
)
from pydantic.alias_generators import to_camel

from chassis.errors import ValidationFailed


class Shape(BaseModel):
    """What the suite answers: camelCase names."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        # what somebody sent must not reach the log by way of an error
        hide_input_in_errors=True,
    )


class Body(Shape):
    """What a client sends as JSON: strict types (``"5"`` is no integer) and no unknown field."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False, allow_inf_nan=False)

    example: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """What somebody would send, for the document; each body that a route takes has one, and a test reads it."""


class Query(Shape):
    """What a client sends in the query string: text is converted, unknown parameters are refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False, allow_inf_nan=False)


class PageQuery(Query):
    """``limit`` and ``cursor`` of a list that is paged by key."""

    limit: int = Field(20, ge=1, le=100, description="How many items at the most.")
    cursor: str | None = Field(None, max_length=512, description="`nextCursor` of the page before.")


Item = TypeVar("Item")


class Page(Shape, Generic[Item]):
    """One page of a list; a list of all that there is has one page."""

    items: list[Item] = Field(description="In the list's order; empty where nothing is found.")
    next_cursor: str | None = Field(description="To be sent as `cursor` for the page after; null on the last.")


class EventData(Shape):
    """The ``data`` of an event as a consumer reads it: what it needs is typed, whatever else is there is ignored."""

    model_config = ConfigDict(extra="ignore")


BRANCHES = Field(json_schema_extra={"x-branches": True})
"""Marks what code branches on in an event or answer that it reads: a value that it does not know changes what it does,
so the contract's check lets no value be added there (contracts/README.md)."""


def as_read(value: Any, shape: Any) -> Any:
    """The value without the fields that the shape does not name: whoever reads another one fails at once.

    Of anything but an object that is read as a shape all is left.
    """
    if not (isinstance(value, dict) and isinstance(shape, type) and issubclass(shape, BaseModel)):
        return value
    names = {field.alias or name for name, field in shape.model_fields.items()}
    return {name: item for name, item in value.items() if name in names}


def _printable(text: str) -> str:
    # NUL and its kin have no business in a name and break what reads logs, mails and exports; U+2028 and U+2029 are
    # line ends to some readers, a mail's header among them
    if any(
        (ord(letter) < 32 and letter not in "\n\t") or 0x7F <= ord(letter) < 0xA0 or letter in "\u2028\u2029"
        for letter in text
    ):
        raise ValueError("must hold no control characters")
    return text


# asked once: the answer is read from a file each time
_ZONES = frozenset(available_timezones())


def _zone(name: str) -> str:
    if name not in _ZONES:
        raise ValueError("must be an IANA time zone such as Europe/Berlin")
    return name


_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _written_out(value: object) -> object:
    # pydantic would take digits for seconds since 1970, or for milliseconds if there are many
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise ValueError("must be an instant such as 2030-01-31T09:00:00Z")


def _day(text: object) -> date:
    # pydantic by itself would also take a number for a date
    if not (isinstance(text, str) and _DAY.fullmatch(text)):
        raise ValueError("must be a date such as 2026-03-30")
    return date.fromisoformat(text)


def _utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be an instant between the years 1 and 9999 in UTC") from None


Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\n\t]*$"),
    Field(json_schema_extra={"pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$"}),
    AfterValidator(_printable),
]
"""One line of text, 1-200 characters, trimmed."""

Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    Field(json_schema_extra={"pattern": "^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$"}),
    AfterValidator(_printable),
]
"""Free text, 1-2000 characters, trimmed."""

Zone = Annotated[
    str, StringConstraints(max_length=64), Field(description="IANA name, such as Europe/Zurich."), AfterValidator(_zone)
]
"""An IANA time zone name."""

Instant = Annotated[
    datetime,
    # not strict: the text that the validator before has passed on is no JSON any more to pydantic
    Strict(False),
    BeforeValidator(_written_out),
    Field(json_schema_extra={"format": "date-time"}, description="RFC 3339 with an offset, which is taken to UTC."),
    AfterValidator(lambda instant: instant if instant.tzinfo else _naive()),
    AfterValidator(_utc),
    PlainSerializer(lambda instant: instant.isoformat().replace("+00:00", "Z"), when_used="json"),
]
"""An instant, RFC 3339 with an offset, taken to UTC."""

Day = Annotated[date, BeforeValidator(_day)]
"""A date of the calendar, as YYYY-MM-DD."""

Id = Annotated[str, Field(description="Opaque: to be sent back as it is, and not to be read.")]
CreatedAt = Annotated[datetime, Field(description="When it was made, in UTC.")]
UpdatedAt = Annotated[datetime, Field(description="When it last changed, in UTC.")]
Version = Annotated[int, Field(ge=0, description="Rises with each change; the `ETag` in quotes, for `If-Match`.")]


def _naive() -> datetime:
    raise ValueError("must have an offset, such as Z")


Model = TypeVar("Model", bound=BaseModel)

MOST_FIELD_ERRORS = 50
"""In one answer: a body of nothing but unknown fields must not make an answer ten times its size."""


def field_errors(errors: Sequence[Any]) -> list[dict[str, str]]:
    """pydantic's errors as the envelope's ``errors``: ``[{"field": "weekly.0.from", "message": "..."}]``."""
    return [
        {
            "field": ".".join(map(str, error["loc"])) or "body",
            "message": error["msg"].removeprefix("Value error, "),
        }
        for error in errors[:MOST_FIELD_ERRORS]
    ]


def invalid(field: str, message: str) -> ValidationFailed:
    """A failed validation that only a use case can tell."""
    return ValidationFailed(errors=[{"field": field, "message": message}])
