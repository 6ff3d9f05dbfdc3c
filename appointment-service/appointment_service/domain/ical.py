"""Appointments as iCalendar text (RFC 5545), for calendar programs.

Only what a calendar on anybody's screen may show: with whom (a doctor), when and where; no patient, no reason.
There is no ORGANIZER, which RFC 5546 wants of PUBLISH: it would be somebody's mail address.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from appointment_service.domain.appointment import Status

if TYPE_CHECKING:
    from icalendar import Calendar, Event, Timezone

# icalendar is imported where it is used: most processes never make a calendar, and it costs each 3 MB

_PRODUCT = "-//Appointment suite//appointment-service//EN"
_UID_DOMAIN = "appointment-service"
_NAME = "Appointments"
_REFRESH, _REFRESH_TEXT = timedelta(hours=1), "PT1H"
_DAY = timedelta(days=1)
_DAY_SECONDS = 86_400

_STATUS = {
    Status.REQUESTED: "TENTATIVE",
    Status.BOOKED: "CONFIRMED",
    Status.CHECKED_IN: "CONFIRMED",
    Status.COMPLETED: "CONFIRMED",
    Status.NO_SHOW: "CONFIRMED",
    Status.CANCELLED: "CANCELLED",
}
_TITLES = frozenset({"dr", "dra", "doctor", "doktor", "dott", "dott.ssa", "prof", "professor", "pd", "med"})


@dataclass(frozen=True, slots=True)
class Entry:
    """An appointment as its calendar entry tells of it. Instants are aware, in UTC."""

    id: str
    version: int
    status: Status
    start: datetime
    end: datetime
    timezone: str
    created_at: datetime
    updated_at: datetime
    summary: str
    location: str | None


def summary(doctor_name: str | None) -> str:
    """What an entry is called; with no name, for the doctor's own calendar, just an appointment."""
    if not doctor_name:
        return "Appointment"
    first = doctor_name.split(maxsplit=1)[0].casefold().rstrip(".")
    return f"Appointment with {doctor_name}" if first in _TITLES else f"Appointment with Dr {doctor_name}"


def location(clinic: Mapping[str, Any] | None) -> str | None:
    """Where it is: the clinic's name and address in one line, as far as they are known."""
    parts = [(clinic or {}).get(part) for part in ("name", "address", "city", "country")]
    return ", ".join(part for part in parts if part) or None


def file(entry: Entry) -> str:
    """One appointment as a file, as it is now."""
    return _text(_calendar([entry]))


def feed(entries: Sequence[Entry]) -> str:
    """A person's appointments as a calendar that a program subscribes to, and asks for again each hour."""
    calendar = _calendar(entries)
    calendar.add("NAME", _NAME)
    calendar.add("X-WR-CALNAME", _NAME)
    calendar.add("REFRESH-INTERVAL", _REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", _REFRESH_TEXT)
    return _text(calendar)


def _calendar(entries: Sequence[Entry]) -> "Calendar":
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("PRODID", _PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", "PUBLISH")
    for entry in entries:
        calendar.add_component(_event(entry))
    if entries:
        first, last = min(entry.start for entry in entries), max(entry.end for entry in entries)
        zones = [_timezone(name, first, last) for name in sorted(calendar.get_missing_tzids())]
        calendar.subcomponents[:0] = zones
    return calendar


def _text(calendar: "Calendar") -> str:
    return calendar.to_ical().decode()


def _event(entry: Entry) -> "Event":
    from icalendar import Event

    event = Event()
    event.add("UID", f"{entry.id}@{_UID_DOMAIN}")
    event.add("SEQUENCE", entry.version - 1)
    event.add("DTSTAMP", entry.updated_at)
    event.add("CREATED", entry.created_at)
    event.add("LAST-MODIFIED", entry.updated_at)
    start, end = (instant.astimezone(ZoneInfo(entry.timezone)) for instant in (entry.start, entry.end))
    # a local time that the clocks repeat means its first occurrence to a reader: the second has no local name
    local = not (start.fold or end.fold)
    event.add("DTSTART", start if local else entry.start)
    event.add("DTEND", end if local else entry.end)
    event.add("STATUS", _STATUS[entry.status])
    event.add("SUMMARY", entry.summary)
    if entry.location:
        event.add("LOCATION", entry.location)
    return event


def _timezone(name: str, first: datetime, last: datetime) -> "Timezone":
    """The zone as far as times from ``first`` to ``last`` need it, an observance for each change of its clocks.

    Not icalendar's own, which tells a change to summer time by the clock after it, where RFC 5545 (3.6.5) has the
    clock before it: an hour late.
    """
    from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

    zone, component = ZoneInfo(name), Timezone()
    component.add("TZID", name)
    begin = int((first - _DAY).timestamp())
    offset = _offset(begin, zone)
    for onset in [begin, *_changes(zone, begin, int(last.timestamp()))]:
        local = datetime.fromtimestamp(onset, zone)
        observance = TimezoneDaylight() if local.dst() else TimezoneStandard()
        observance.add("DTSTART", (datetime.fromtimestamp(onset, UTC) + offset).replace(tzinfo=None))
        observance.add("TZOFFSETFROM", offset)
        offset = _offset(onset, zone)
        observance.add("TZOFFSETTO", offset)
        observance.add("TZNAME", local.tzname())
        component.add_component(observance)
    return component


def _changes(zone: ZoneInfo, first: int, last: int) -> Iterator[int]:
    """The seconds (since 1970) after ``first``, up to ``last``, from which the zone has another offset."""
    for day in range(first, last, _DAY_SECONDS):
        held, following = _offset(day, zone), min(day + _DAY_SECONDS, last)
        if _offset(following, zone) != held:
            seconds = range(day + 1, following + 1)
            yield seconds[bisect_left(seconds, True, key=lambda second: _offset(second, zone) != held)]


def _offset(second: int, zone: ZoneInfo) -> timedelta:
    return datetime.fromtimestamp(second, zone).utcoffset() or timedelta()
