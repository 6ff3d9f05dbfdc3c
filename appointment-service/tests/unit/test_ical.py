"""A calendar file says what it is told, to the second, to a program that knows the RFC and nothing else."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from appointment_service.domain import ical
from appointment_service.domain.appointment import Status

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
MADE = datetime(2026, 1, 5, 8, 30, 15, tzinfo=UTC)
CHANGED = datetime(2026, 2, 6, 9, 45, 30, tzinfo=UTC)
ENTRY = ical.Entry(
    id="0123",
    version=3,
    status=Status.BOOKED,
    start=datetime(2026, 3, 30, 7, tzinfo=UTC),
    end=datetime(2026, 3, 30, 7, 30, tzinfo=UTC),
    timezone="Europe/Paris",
    created_at=MADE,
    updated_at=CHANGED,
    summary="Appointment with Dr Ben Ito",
    location="Clinic, 1 Rue X, Paris, FR",
)
TEXT = (
    st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=120).map(str.strip).filter(bool)
)


def read(text: str) -> Any:
    """The calendar, once its lines are found to be as RFC 5545 (3.1) has them."""
    lines = text.split("\r\n")
    assert lines.pop() == ""
    for line in lines:
        assert len(line.encode()) <= 75
        assert "\n" not in line
        assert "\r" not in line
    return Calendar.from_ical(text)


def only_event(text: str) -> Any:
    (event,) = read(text).events
    return event


def onsets(calendar: Any, zone: str) -> list[tuple[datetime, timedelta]]:
    """(instant, offset from then on) of each observance of the zone, as RFC 5545 (3.6.5) has a program work it out."""
    (component,) = (part for part in calendar.timezones if part["TZID"] == zone)
    return sorted(
        ((part["DTSTART"].dt - part["TZOFFSETFROM"].td).replace(tzinfo=UTC), part["TZOFFSETTO"].td)
        for part in component.subcomponents
    )


def instant(calendar: Any, value: Any) -> datetime:
    """What a date-time of the file means to a program that knows no zones but the file's own."""
    local: datetime = value.dt
    if "TZID" not in value.params:
        assert local.utcoffset() == timedelta()
        return local
    known = onsets(calendar, value.params["TZID"])
    meant = []
    for number, (onset, offset) in enumerate(known):
        candidate = local.replace(tzinfo=UTC) - offset
        following = known[number + 1][0] if number + 1 < len(known) else None
        if onset <= candidate and (following is None or candidate < following):
            meant.append(candidate)
    # of a time that the clocks repeat, the first
    return min(meant)


def assert_exact(entries: Sequence[ical.Entry]) -> None:
    calendar = read(ical.feed(entries))
    assert [str(event["UID"]) for event in calendar.events] == [f"{entry.id}@appointment-service" for entry in entries]
    for entry, event in zip(entries, calendar.events, strict=True):
        for name, meant in (("DTSTART", entry.start), ("DTEND", entry.end)):
            assert instant(calendar, event[name]) == meant
            assert event[name].dt.astimezone(UTC) == meant
    assert not calendar.get_missing_tzids()


def test_an_appointment_as_a_file() -> None:
    text = ical.file(ENTRY)
    calendar = read(text)
    assert (calendar["VERSION"], calendar["METHOD"]) == ("2.0", "PUBLISH")
    assert calendar["PRODID"]
    (event,) = calendar.events
    assert event["UID"] == "0123@appointment-service"
    assert event["SEQUENCE"] == 2
    assert event["STATUS"] == "CONFIRMED"
    assert event["SUMMARY"] == "Appointment with Dr Ben Ito"
    assert event["LOCATION"] == "Clinic, 1 Rue X, Paris, FR"
    assert [event[name].dt for name in ("DTSTAMP", "LAST-MODIFIED", "CREATED")] == [CHANGED, CHANGED, MADE]
    assert "DTSTART;TZID=Europe/Paris:20260330T090000\r\n" in text
    assert "DTEND;TZID=Europe/Paris:20260330T093000\r\n" in text


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (Status.REQUESTED, "TENTATIVE"),
        (Status.BOOKED, "CONFIRMED"),
        (Status.CHECKED_IN, "CONFIRMED"),
        (Status.COMPLETED, "CONFIRMED"),
        (Status.NO_SHOW, "CONFIRMED"),
        (Status.CANCELLED, "CANCELLED"),
    ],
)
def test_every_status_has_its_word(status: Status, shown: str) -> None:
    assert only_event(ical.file(replace(ENTRY, status=status)))["STATUS"] == shown


def test_a_change_keeps_the_uid_and_raises_the_sequence() -> None:
    before, after = only_event(ical.file(ENTRY)), only_event(ical.file(replace(ENTRY, version=4)))
    assert before["UID"] == after["UID"]
    assert before["SEQUENCE"] < after["SEQUENCE"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ben Ito", "Appointment with Dr Ben Ito"),
        ("Dr Ben Ito", "Appointment with Dr Ben Ito"),
        ("dr. Ben Ito", "Appointment with dr. Ben Ito"),
        ("Prof. Dr. Eva Maier", "Appointment with Prof. Dr. Eva Maier"),
        ("Drew Prof", "Appointment with Dr Drew Prof"),
        ("Dr", "Appointment with Dr"),
        (None, "Appointment"),
        ("", "Appointment"),
    ],
)
def test_whom_an_entry_is_with(name: str | None, shown: str) -> None:
    assert ical.summary(name) == shown


@pytest.mark.parametrize(
    ("clinic", "shown"),
    [
        (None, None),
        ({"name": None, "address": "", "city": None}, None),
        ({"name": "Clinic", "address": None, "city": "Paris", "country": "FR"}, "Clinic, Paris, FR"),
    ],
)
def test_where_it_is(clinic: dict[str, Any] | None, shown: str | None) -> None:
    assert ical.location(clinic) == shown
    assert only_event(ical.file(replace(ENTRY, location=shown))).get("LOCATION") == shown


def test_a_feed_says_what_it_is_and_how_often_to_ask() -> None:
    text = ical.feed([ENTRY, replace(ENTRY, id="4567", timezone="Asia/Tokyo")])
    calendar = read(text)
    assert len(calendar.events) == 2
    assert {str(zone["TZID"]) for zone in calendar.timezones} == {"Europe/Paris", "Asia/Tokyo"}
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in text
    assert "X-PUBLISHED-TTL:PT1H\r\n" in text
    # zones stand before what needs them
    assert text.rindex("END:VTIMEZONE") < text.index("BEGIN:VEVENT")


def test_a_feed_of_nothing_is_a_calendar() -> None:
    assert read(ical.feed([])).events == []


def test_summer_time_begins_by_the_clock_before_it() -> None:
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    start, end = change - timedelta(minutes=30), change + timedelta(minutes=30)
    text = ical.file(replace(ENTRY, start=start, end=end))
    assert "BEGIN:DAYLIGHT\r\nDTSTART:20260329T020000\r\n" in text
    winter, summer = onsets(read(text), "Europe/Paris")
    assert winter[0] < start, "before anything happens in it"
    assert summer == (change, timedelta(hours=2))


def changes(zone: str, year: int) -> Iterator[datetime]:
    """The hours of a year at which, or within which, the zone's clocks change."""
    hour, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while hour < end:
        following = hour + timedelta(hours=1)
        if hour.astimezone(ZoneInfo(zone)).utcoffset() != following.astimezone(ZoneInfo(zone)).utcoffset():
            yield following
        hour = following


@pytest.mark.parametrize(
    ("zone", "year"),
    [
        ("Europe/Paris", 2026),
        ("Africa/Casablanca", 2026),
        ("Australia/Lord_Howe", 2026),
        ("Pacific/Chatham", 2026),
        ("Pacific/Apia", 2011),
        ("America/St_Johns", 2026),
        ("Europe/Dublin", 2026),
    ],
)
def test_no_instant_is_off_as_the_clocks_change(zone: str, year: int) -> None:
    steps = [timedelta(minutes=minutes) for minutes in range(-150, 151, 15)]
    entries = [
        replace(ENTRY, id=f"{number}-{step}", timezone=zone, start=at + step, end=at + step + timedelta(minutes=45))
        for number, at in enumerate(changes(zone, year))
        for step in steps
    ]
    assert len(entries) > len(steps)
    assert_exact(entries)


def test_every_zone_is_named_or_is_utc() -> None:
    # all that Python knows, so that no doctor's zone can be one that a calendar file cannot tell
    entries = [replace(ENTRY, id=zone, timezone=zone) for zone in ZONES]
    assert_exact(entries)


CELLS = 70 * 365 * 288
START = st.integers(0, CELLS).map(lambda cells: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(minutes=5 * cells))


@given(
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=4),
    start=START,
    gap=st.integers(0, 400),
    minutes=st.integers(1, 288).map(lambda cells: cells * 5),
    summary=TEXT,
    location=TEXT,
)
@example(["Europe/Paris"], datetime(2026, 10, 25, 0, 30, tzinfo=UTC), 0, 30, "\\,;:\"'\\n", "BEGIN:VEVENT")
@example(["Europe/Paris"], datetime(2026, 10, 25, 1, 0, tzinfo=UTC), 0, 60, "\u00e9" * 100, "\U0001f468" * 60)
@settings(max_examples=60, deadline=None)
def test_whatever_is_written_is_read(
    zones: list[str], start: datetime, gap: int, minutes: int, summary: str, location: str
) -> None:
    length = timedelta(minutes=minutes)
    starts = [start + timedelta(days=gap * number) for number in range(len(zones))]
    entries = [
        replace(ENTRY, id=str(number), timezone=zone, start=at, end=at + length, summary=summary, location=location)
        for number, (zone, at) in enumerate(zip(zones, starts, strict=True))
    ]
    assert_exact(entries)
    for event in read(ical.feed(entries)).events:
        assert (event["SUMMARY"], event["LOCATION"]) == (summary, location)
