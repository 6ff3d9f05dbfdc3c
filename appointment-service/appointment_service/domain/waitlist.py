"""Rules of the waitlist: where a place stands, which slots freed time makes bookable, how long an offer holds."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from appointment_service.domain.calendar import Calendar
from appointment_service.domain.slots import Slot, offered

MOST_DAYS = 366
"""How far from today, and over how many days, anybody may wait."""

_DAY = timedelta(days=1)
_LAST_ZONE = timedelta(hours=12)


class Place(StrEnum):
    """Where a place in a line stands."""

    WAITING = "WAITING"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    LEFT = "LEFT"
    """Nobody sees it any more; it stays only until what it announced is published."""


OPEN = (Place.WAITING, Place.OFFERED)
"""The statuses of whoever is in line: of these a patient has one place per doctor."""


def problem(first: date, last: date, today: date) -> tuple[str, str] | None:
    """(field, message) of what is wrong with the dates that somebody wants to wait for; None if nothing is."""
    if last < first:
        return "to", "must not be before from"
    if last < today:
        return "to", "must not be in the past"
    if (last - first).days > MOST_DAYS or (last - today).days > MOST_DAYS:
        return "to", f"must be within {MOST_DAYS} days, both from today and of from"
    return None


def over_at(last: date) -> datetime:
    """When a date is over in every zone: the last of them is twelve hours behind UTC."""
    return datetime.combine(last, time(), UTC) + _DAY + _LAST_ZONE


def slots_made_of(calendar: Calendar, start: datetime, end: datetime, now: datetime) -> list[Slot]:
    """The slots that could be booked at ``now`` and share time with [start, end), whatever else is taken.

    Freed time may be two of today's slots, or only a part of one.
    """
    first = (start - timedelta(minutes=calendar.slot_minutes)).astimezone(calendar.zone).date()
    last = end.astimezone(calendar.zone).date()
    return [slot for slot in offered(calendar, first, last, now) if slot.start < end and start < slot.end]


def expires_at(now: datetime, seconds: int, start: datetime) -> datetime:
    """When an offer that is made now expires: after so many seconds, at the latest as the slot starts."""
    return min(now + timedelta(seconds=seconds), start)
