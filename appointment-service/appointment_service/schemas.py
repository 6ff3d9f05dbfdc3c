"""Shapes of appointment-service's requests and answers."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator, StringConstraints, WithJsonSchema

from appointment_service.domain.appointment import Status
from chassis.schemas import Body, Instant, PageQuery, Query, Shape, Text

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _day(text: Any) -> date:
    # pydantic by itself would also take a number for a date
    if not (isinstance(text, str) and _DATE.fullmatch(text)):
        raise ValueError("must be a date such as 2026-03-30")
    return date.fromisoformat(text)


def _moment(text: Any) -> datetime:
    if isinstance(text, str) and _DATE.fullmatch(text):
        return datetime.combine(_day(text), time(), UTC)
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
Day = Annotated[date, BeforeValidator(_day)]
Since = Annotated[datetime, PlainValidator(_moment), _DATE_OR_INSTANT]
Until = Annotated[datetime, PlainValidator(_end_moment), _DATE_OR_INSTANT]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,128}$")]


class SlotsQuery(Query):
    first: Day | None = Field(None, alias="from", description="First date, in the doctor's zone; else today.")
    last: Day | None = Field(None, alias="to", description="Last date, at most 31 in all; else six days later.")


class BookBody(Body):
    doctor_id: Id
    start: Instant = Field(description="The start of one of the doctor's slots.")
    reason: Text | None = Field(None, description="What the visit is about; the doctor sees it.")


class CancelBody(Body):
    reason: Text | None = Field(None, description="Shown to both, in the appointment's history.")


class AppointmentsQuery(PageQuery):
    status: Status | None = None
    since: Since | None = Field(None, alias="from", description="Starting then or later; a date is a day in UTC.")
    until: Until | None = Field(None, alias="to", description="Starting before then; of a date, by its end in UTC.")
    doctor_id: Id | None = None
    patient_id: Id | None = None


class Slot(Shape):
    start: datetime
    end: datetime


class Slots(Shape):
    doctor_id: str
    timezone: str | None = Field(description="Null while the doctor has published no calendar.")
    slot_minutes: int | None
    items: list[Slot]


class Appointment(Shape):
    id: str
    doctor_id: str | None = Field(description="Null once the doctor's account was erased.")
    patient_id: str | None = Field(description="Null once the patient's account was erased.")
    start: datetime
    end: datetime
    timezone: str = Field(description="The doctor's zone when it was booked.")
    status: Status
    version: int
    reason: str | None
    created_at: datetime
    updated_at: datetime


class Change(Shape):
    status: Status
    at: datetime
    by: str | None = Field(
        description="Its patient's or doctor's id, `admin` or `system`; null once that person was erased."
    )
    reason: str | None = None
    start: datetime | None = Field(None, description="The start from then on, where the change set it.")


class AppointmentWithHistory(Appointment):
    history: list[Change]


class Appointments(Shape):
    items: list[Appointment]
    next_cursor: str | None
