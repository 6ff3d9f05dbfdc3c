"""Shapes of doctors' hours."""

from types import MappingProxyType
from typing import Literal

from pydantic import Field

from chassis.schemas import Body, Line, Page, PageQuery, Shape, Version, Zone
from doctor_service.schemas.fields import Closing, Day, Opening, Weekday

_YEAR_MINUTES = 366 * 24 * 60

# the terms of a calendar
_SLOT = "Length of an appointment, in minutes."
_BUFFER = "Pause after each appointment, in minutes."
_MIN_NOTICE = "How long before its start one may book, in minutes."
_HORIZON = "How many days ahead one may book."
_CANCELLATION_NOTICE = "How long before its start a patient may cancel, in minutes."
_CONFIRMATION = "Whether the doctor says yes or no to each request; else it is booked at once."
_UNATTENDED = "What becomes of an appointment that nobody checked in to."
_WEEKLY = "The hours of an ordinary week; a day may have several, or none."
_DAY_WINDOWS = "The hours of that date; none is a day off."
_OVERRIDE_REASON = "For the doctor alone."


class WindowBody(Body):
    opens: Opening = Field(alias="from")
    closes: Closing = Field(alias="to")


class WeeklyWindowBody(WindowBody):
    weekday: Weekday


class AvailabilityBody(Body):
    timezone: Zone
    slot_minutes: int = Field(ge=5, le=480, multiple_of=5, description=_SLOT)
    buffer_minutes: int = Field(0, ge=0, le=240, multiple_of=5, description=_BUFFER)
    min_notice_minutes: int = Field(0, ge=0, le=_YEAR_MINUTES, description=_MIN_NOTICE)
    horizon_days: int = Field(60, ge=1, le=366, description=_HORIZON)
    cancellation_notice_minutes: int = Field(0, ge=0, le=_YEAR_MINUTES, description=_CANCELLATION_NOTICE)
    requires_confirmation: bool = Field(False, description=_CONFIRMATION)
    unattended_outcome: Literal["COMPLETED", "NO_SHOW"] = Field("COMPLETED", description=_UNATTENDED)
    weekly: list[WeeklyWindowBody] = Field(max_length=100, description=_WEEKLY)

    example = MappingProxyType(
        {
            "timezone": "Europe/Zurich",
            "slotMinutes": 30,
            "bufferMinutes": 5,
            "minNoticeMinutes": 120,
            "horizonDays": 60,
            "cancellationNoticeMinutes": 1440,
            "weekly": [
                {"weekday": "MON", "from": "09:00", "to": "12:30"},
                {"weekday": "THU", "from": "13:00", "to": "18:00"},
            ],
        }
    )


class OverrideBody(Body):
    windows: list[WindowBody] = Field(max_length=24, description=_DAY_WINDOWS)
    reason: Line | None = Field(None, description=_OVERRIDE_REASON)

    example = MappingProxyType({"windows": [{"from": "14:00", "to": "17:00"}], "reason": "Congress in the morning"})


class OverridesQuery(PageQuery):
    first: Day | None = Field(None, alias="from", description="The first date.")
    last: Day | None = Field(None, alias="to", description="The last date.")


class Window(Shape):
    opens: Opening = Field(alias="from")
    closes: Closing = Field(alias="to")


class WeeklyWindow(Window):
    weekday: Weekday


class Availability(Shape):
    timezone: Zone
    slot_minutes: int = Field(description=_SLOT)
    buffer_minutes: int = Field(description=_BUFFER)
    min_notice_minutes: int = Field(description=_MIN_NOTICE)
    horizon_days: int = Field(description=_HORIZON)
    cancellation_notice_minutes: int = Field(description=_CANCELLATION_NOTICE)
    requires_confirmation: bool = Field(description=_CONFIRMATION)
    unattended_outcome: Literal["COMPLETED", "NO_SHOW"] = Field(description=_UNATTENDED)
    weekly: list[WeeklyWindow] = Field(description=_WEEKLY)


class OwnAvailability(Availability):
    version: Version


class Override(Shape):
    date: Day
    windows: list[Window] = Field(description=_DAY_WINDOWS)
    reason: str | None = Field(description=_OVERRIDE_REASON)


class SetOverride(Override):
    version: Version


class Overrides(Page[Override]):
    """A page of the dates that differ."""
