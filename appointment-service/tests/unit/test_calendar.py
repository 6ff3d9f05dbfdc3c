"""A calendar is read from the event that carries it, or refused with the name of what is wrong."""

from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from appointment_service.domain.calendar import Calendar, Window

EVENT: dict[str, Any] = {
    "timezone": "Europe/Paris",
    "slotMinutes": 30,
    "bufferMinutes": 10,
    "minNoticeMinutes": 60,
    "horizonDays": 90,
    "cancellationNoticeMinutes": 120,
    "requiresConfirmation": True,
    "unattendedOutcome": "NO_SHOW",
    "weekly": [
        {"weekday": "MON", "from": "14:00", "to": "24:00"},
        {"weekday": "MON", "from": "09:00", "to": "12:30"},
        {"weekday": "SUN", "from": "00:00", "to": "00:00"},
    ],
    "overrides": [
        {"date": "2026-12-24", "windows": [{"from": "09:00", "to": "12:00"}]},
        {"date": "2026-12-28", "windows": []},
    ],
}


def event(**changes: Any) -> dict[str, Any]:
    return deepcopy(EVENT) | changes


def test_every_field_of_the_event_finds_its_place() -> None:
    calendar = Calendar.from_dict(EVENT)
    assert calendar == Calendar(
        timezone="Europe/Paris",
        slot_minutes=30,
        buffer_minutes=10,
        min_notice_minutes=60,
        horizon_days=90,
        cancellation_notice_minutes=120,
        requires_confirmation=True,
        unattended_outcome="NO_SHOW",  # type: ignore[arg-type]  # as it comes from JSON
        weekly={0: (Window(540, 750), Window(840, 1440)), 6: (Window(0, 1440),)},
        overrides={date(2026, 12, 24): (Window(540, 720),), date(2026, 12, 28): ()},
    )


def test_a_field_that_this_service_does_not_know_is_passed_over() -> None:
    assert Calendar.from_dict(event(colour="green")) == Calendar.from_dict(EVENT)


def test_the_windows_of_a_weekday_are_in_order_whatever_the_order_they_came_in() -> None:
    assert Calendar.from_dict(EVENT).windows_on(date(2026, 11, 2)) == (Window(540, 750), Window(840, 1440))


def test_an_override_replaces_the_windows_of_its_date_altogether() -> None:
    assert Calendar.from_dict(EVENT).windows_on(date(2026, 12, 24)) == (Window(540, 720),)


def test_an_override_without_windows_is_a_day_off() -> None:
    assert date(2026, 12, 28).weekday() == 0
    assert Calendar.from_dict(EVENT).windows_on(date(2026, 12, 28)) == ()


def test_a_weekday_without_windows_has_none() -> None:
    assert Calendar.from_dict(EVENT).windows_on(date(2026, 11, 3)) == ()


def test_a_calendar_does_not_change_when_what_it_was_made_of_does() -> None:
    weekly: dict[int, tuple[Window, ...]] = {0: (Window(540, 720),)}
    made = Calendar.from_dict(EVENT)
    copy = Calendar(**{name: getattr(made, name) for name in made.__slots__} | {"weekly": weekly})
    weekly[0] = ()
    assert copy.windows_on(date(2026, 11, 2)) == (Window(540, 720),)


@pytest.mark.parametrize(("opens", "closes"), [(-5, 60), (60, 60), (120, 60), (0, 1441)])
def test_a_window_outside_the_day_or_without_length_is_refused(opens: int, closes: int) -> None:
    with pytest.raises(ValueError, match="window"):
        Window(opens, closes)


@pytest.mark.parametrize(
    ("field", "value", "names"),
    [
        ("timezone", "Europe/Lutetia", "timezone"),
        ("timezone", "../etc/passwd", "timezone"),
        ("timezone", "", "timezone"),
        ("timezone", None, "timezone"),
        ("slotMinutes", 0, "slot_minutes"),
        ("slotMinutes", 12, "slot_minutes"),
        ("slotMinutes", 1445, "slot_minutes"),
        ("slotMinutes", "30", "slot_minutes"),
        ("bufferMinutes", -5, "buffer_minutes"),
        ("minNoticeMinutes", -1, "min_notice_minutes"),
        ("horizonDays", 1.5, "horizon_days"),
        ("cancellationNoticeMinutes", None, "cancellation_notice_minutes"),
        ("requiresConfirmation", "false", "requires_confirmation"),
        ("unattendedOutcome", "CANCELLED", "unattended_outcome"),
        ("weekly", [{"weekday": "LUN", "from": "09:00", "to": "12:00"}], "LUN"),
        ("weekly", [{"weekday": "MON", "from": "9:00", "to": "12:00"}], "9:00"),
        ("weekly", [{"weekday": "MON", "from": "24:00", "to": "24:00"}], "window"),
        ("weekly", [{"weekday": "MON", "from": "09:00"}], "to"),
        ("weekly", None, "calendar"),
        ("overrides", [{"date": "2026-02-30", "windows": []}], "day is out of range"),
    ],
)
def test_what_cannot_be_a_calendar_is_refused_by_name(field: str, value: Any, names: str) -> None:
    with pytest.raises(ValueError, match=names):
        Calendar.from_dict(event(**{field: value}))


@pytest.mark.parametrize("field", EVENT)
def test_a_missing_field_is_refused_by_name(field: str) -> None:
    incomplete = event()
    del incomplete[field]
    with pytest.raises(ValueError, match=field):
        Calendar.from_dict(incomplete)


def test_a_weekday_beyond_sunday_is_refused() -> None:
    made = Calendar.from_dict(EVENT)
    with pytest.raises(ValueError, match="weekly"):
        Calendar(**{name: getattr(made, name) for name in made.__slots__} | {"weekly": {7: ()}})
