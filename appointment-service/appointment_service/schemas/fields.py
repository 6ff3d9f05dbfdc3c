"""Fields that several shapes share: dates, stretches of time, ids."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

from pydantic import Field, PlainValidator, StringConstraints, WithJsonSchema

from chassis import schemas

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _moment(text: Any) -> datetime:
    if isinstance(text, str) and _DATE.fullmatch(text):
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo:
            return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError("must be a date such as 2026-03-30, or an instant with an offset, such as 2026-03-30T07:00:00Z")


def _end_moment(text: Any) -> datetime:
    moment = _moment(text)
    if _DATE.fullmatch(text):
        return moment + min(timedelta(days=1), datetime.max.replace(tzinfo=UTC) - moment)
    return moment


_DATE_OR_INSTANT = WithJsonSchema(
    {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}
)
Since = Annotated[datetime, PlainValidator(_moment), _DATE_OR_INSTANT]
Until = Annotated[datetime, PlainValidator(_end_moment), _DATE_OR_INSTANT]
SentId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,128}$")]

AppointmentId = Annotated[schemas.Id, Field(description="The appointment's.")]
DoctorId = Annotated[schemas.Id, Field(description="The doctor's, which is the user's.")]
PlaceId = Annotated[schemas.Id, Field(description="The place's in the line, of `GET /waitlist`.")]
Start = Annotated[datetime, Field(description="When it begins, in UTC.")]
End = Annotated[datetime, Field(description="When it is over, in UTC.")]
