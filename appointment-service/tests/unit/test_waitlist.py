"""Rules of the waitlist."""

from datetime import UTC, date, datetime, timedelta

import pytest

from appointment_service.domain.appointment import Status
from appointment_service.domain.calendar import Calendar, Window
from appointment_service.domain.waitlist import expires_at, over_at, problem, slots_made_of

TODAY = date(2026, 11, 22)
DAY = timedelta(days=1)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def calendar(slot_minutes: int) -> Calendar:
    return Calendar(
        timezone="UTC",
        slot_minutes=slot_minutes,
        buffer_minutes=0,
        min_notice_minutes=0,
        horizon_days=60,
        cancellation_notice_minutes=0,
        requires_confirmation=False,
        unattended_outcome=Status.COMPLETED,
        weekly={weekday: (Window(0, 1440),) for weekday in range(7)},
        overrides={},
    )


@pytest.mark.parametrize(
    ("first", "last", "wrong"),
    [
        (TODAY, TODAY, False),
        (TODAY - 5 * DAY, TODAY, False),
        (TODAY, TODAY + 366 * DAY, False),
        (TODAY + DAY, TODAY, True),
        (TODAY - 2 * DAY, TODAY - DAY, True),
        (TODAY, TODAY + 367 * DAY, True),
        (TODAY - 300 * DAY, TODAY + 67 * DAY, True),
        (date.min, TODAY, True),
        (TODAY, date.max, True),
    ],
)
def test_nobody_waits_for_the_past_or_for_years(first: date, last: date, wrong: bool) -> None:
    assert bool(problem(first, last, TODAY)) is wrong


def test_a_date_is_over_when_it_is_over_on_the_last_island() -> None:
    # Baker Island: UTC-12
    assert over_at(TODAY) == datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_an_offer_ends_no_later_than_the_slot_starts() -> None:
    assert expires_at(NOW, 1800, NOON) == NOW + timedelta(minutes=30)
    assert expires_at(NOON - timedelta(minutes=10), 1800, NOON) == NOON


@pytest.mark.parametrize(
    ("slot_minutes", "freed_minutes", "starts"),
    [(30, 30, [0]), (30, 60, [0, 30]), (60, 30, [0]), (720, 30, [0]), (40, 60, [0, 40]), (1440, 30, [-720])],
)
def test_freed_time_is_what_the_calendar_makes_of_it_now(
    slot_minutes: int, freed_minutes: int, starts: list[int]
) -> None:
    found = slots_made_of(calendar(slot_minutes), NOON, NOON + timedelta(minutes=freed_minutes), NOW)
    assert [(slot.start - NOON) / timedelta(minutes=1) for slot in found] == starts


def test_what_is_too_near_to_be_booked_is_no_slot() -> None:
    assert slots_made_of(calendar(30), NOON, NOON + timedelta(minutes=30), NOON + timedelta(minutes=1)) == []
