"""What a calendar offers, on ordinary days and on those when the clocks change."""

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from appointment_service.domain.appointment import Status
from appointment_service.domain.calendar import Calendar, Window
from appointment_service.domain.slots import Slot, free, offered, slot_at
from appointment_service.domain.wallclock import day_clock

MONDAY = date(2026, 3, 2)
LONG_BEFORE = timedelta(days=10)


def calendar(*windows: tuple[str, str], timezone: str = "UTC", slot: int = 60, **changes: Any) -> Calendar:
    """A calendar with the same windows on every day, no buffer, no notice and a long horizon."""
    every_day = tuple(Window(_minute(opens), _minute(closes)) for opens, closes in windows)
    settings: dict[str, Any] = {
        "buffer_minutes": 0,
        "min_notice_minutes": 0,
        "horizon_days": 1000,
        "cancellation_notice_minutes": 0,
        "requires_confirmation": False,
        "unattended_outcome": Status.COMPLETED,
        "weekly": dict.fromkeys(range(7), every_day),
        "overrides": {},
    }
    return Calendar(timezone=timezone, slot_minutes=slot, **settings | changes)


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def at(text: str, day: date = MONDAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{text}:00+00:00")


def times(slots: Sequence[Slot]) -> list[str]:
    return [f"{slot.start:%H:%M}-{slot.end:%H:%M}" for slot in slots]


def day_of(calendar: Calendar, day: date) -> list[Slot]:
    now = datetime(day.year, day.month, day.day, tzinfo=UTC) - LONG_BEFORE
    return offered(calendar, day, day, now)


def local(calendar: Calendar, slots: Sequence[Slot]) -> list[str]:
    """Starts as the doctor's wall clock shows them."""
    return [f"{slot.start.astimezone(calendar.zone):%d. %H:%M}" for slot in slots]


# The ordinary day


def test_slots_follow_one_another_from_the_opening_to_the_closing() -> None:
    assert times(day_of(calendar(("09:00", "11:00"), slot=30), MONDAY)) == [
        "09:00-09:30",
        "09:30-10:00",
        "10:00-10:30",
        "10:30-11:00",
    ]


def test_the_buffer_keeps_slots_apart_and_is_not_needed_after_the_last() -> None:
    with_buffer = calendar(("09:00", "10:10"), slot=30, buffer_minutes=10)
    assert times(day_of(with_buffer, MONDAY)) == ["09:00-09:30", "09:40-10:10"]


def test_a_slot_that_would_end_after_the_closing_is_not_offered() -> None:
    assert times(day_of(calendar(("09:00", "10:59")), MONDAY)) == ["09:00-10:00"]
    assert day_of(calendar(("09:00", "09:55")), MONDAY) == []


def test_each_window_starts_anew_from_its_own_opening() -> None:
    halves = calendar(("09:00", "10:30"), ("10:45", "12:00"))
    assert times(day_of(halves, MONDAY)) == ["09:00-10:00", "10:45-11:45"]


def test_where_windows_overlap_slots_do_not() -> None:
    overlapping = calendar(("09:00", "11:00"), ("09:30", "12:30"))
    assert times(day_of(overlapping, MONDAY)) == ["09:00-10:00", "10:00-11:00", "11:30-12:30"]


def test_a_window_may_end_at_midnight_and_the_next_day_go_on_from_there() -> None:
    night = calendar(("00:00", "01:00"), ("23:00", "24:00"))
    tuesday = MONDAY + timedelta(days=1)
    slots = offered(night, MONDAY, tuesday, at("00:00") - LONG_BEFORE)
    assert times(slots) == ["00:00-01:00", "23:00-00:00", "00:00-01:00", "23:00-00:00"]
    assert slots[1].end == slots[2].start


def test_dates_are_the_doctors_on_either_side_of_the_utc_date() -> None:
    kiritimati = calendar(("00:00", "02:00"), ("22:00", "24:00"), timezone="Pacific/Kiritimati")
    slots = day_of(kiritimati, MONDAY)
    assert [slot.start for slot in slots] == [
        datetime(2026, 3, 1, 10, tzinfo=UTC),
        datetime(2026, 3, 1, 11, tzinfo=UTC),
        datetime(2026, 3, 2, 8, tzinfo=UTC),
        datetime(2026, 3, 2, 9, tzinfo=UTC),
    ]
    assert [slot_at(kiritimati, slot.start, slot.start) for slot in slots] == slots


def test_an_override_replaces_the_weekly_windows_of_its_date_only() -> None:
    changed = calendar(("09:00", "10:00"), overrides={MONDAY: (Window(840, 900),)})
    slots = offered(changed, MONDAY, MONDAY + timedelta(days=1), at("00:00") - LONG_BEFORE)
    assert times(slots) == ["14:00-15:00", "09:00-10:00"]


def test_a_day_off_offers_nothing() -> None:
    assert day_of(calendar(("09:00", "10:00"), overrides={MONDAY: ()}), MONDAY) == []


def test_a_start_off_the_five_minute_grid_is_not_offered() -> None:
    assert day_of(calendar(("09:03", "11:00")), MONDAY) == []
    # Until 1972 Monrovia was 44 minutes and a half behind UTC.
    assert day_of(calendar(("09:00", "11:00"), timezone="Africa/Monrovia"), date(1971, 6, 1)) == []


# When it can be booked


def test_what_has_begun_is_not_offered_and_what_begins_now_is() -> None:
    morning = calendar(("09:00", "11:00"))
    assert times(offered(morning, MONDAY, MONDAY, at("09:00"))) == ["09:00-10:00", "10:00-11:00"]
    after = at("09:00") + timedelta(microseconds=1)
    assert times(offered(morning, MONDAY, MONDAY, after)) == ["10:00-11:00"]


def test_the_notice_is_counted_to_the_start() -> None:
    morning = calendar(("09:00", "11:00"), min_notice_minutes=90)
    assert times(offered(morning, MONDAY, MONDAY, at("07:30"))) == ["09:00-10:00", "10:00-11:00"]
    after = at("07:30") + timedelta(microseconds=1)
    assert times(offered(morning, MONDAY, MONDAY, after)) == ["10:00-11:00"]


def test_the_horizon_is_counted_in_the_doctors_dates() -> None:
    # It is still the 1st of March in Honolulu, and the 3rd is two days away there.
    hawaii = calendar(("09:00", "10:00"), timezone="Pacific/Honolulu", horizon_days=1)
    slots = offered(hawaii, MONDAY, MONDAY + timedelta(days=5), at("09:00"))
    assert local(hawaii, slots) == ["02. 09:00"]
    assert slot_at(hawaii, slots[0].start, at("09:00")) == slots[0]
    assert slot_at(hawaii, slots[0].start + timedelta(days=1), at("09:00")) is None


def test_a_horizon_of_no_days_is_today() -> None:
    today_only = calendar(("09:00", "10:00"), horizon_days=0)
    slots = offered(today_only, MONDAY, MONDAY + timedelta(days=1), at("08:00"))
    assert times(slots) == ["09:00-10:00"]
    assert slots[0].start.date() == MONDAY


def test_the_widest_range_of_dates_costs_no_more_than_the_horizon() -> None:
    soon = calendar(("09:00", "10:00"), horizon_days=2)
    before = day_clock.cache_info()
    assert len(offered(soon, date.min, date.max, at("08:00"))) == 3
    after = day_clock.cache_info()
    assert after.hits + after.misses - before.hits - before.misses == 3


def test_a_range_that_ends_before_it_begins_is_empty() -> None:
    assert offered(calendar(("09:00", "10:00")), MONDAY, MONDAY - timedelta(days=1), at("00:00")) == []


def test_endless_notice_and_horizon_do_no_harm() -> None:
    assert offered(calendar(("09:00", "10:00"), min_notice_minutes=10**15), MONDAY, MONDAY, at("08:00")) == []
    assert len(offered(calendar(("09:00", "10:00"), horizon_days=10**15), MONDAY, MONDAY, at("08:00"))) == 1


# One time, asked for by its start


def test_a_slot_is_found_by_its_start_in_whatever_zone_that_is_written() -> None:
    morning = calendar(("09:00", "11:00"))
    tokyo = at("10:00").astimezone(timezone(timedelta(hours=9)))
    found = slot_at(morning, tokyo, at("08:00"))
    assert found == Slot(at("10:00"), at("11:00"))
    assert found is not None
    assert found.start.tzinfo is UTC


@pytest.mark.parametrize("text", ["08:00", "09:05", "09:30", "10:30", "11:00"])
def test_a_time_that_is_not_offered_is_no_slot(text: str) -> None:
    assert slot_at(calendar(("09:00", "11:00")), at(text), at("00:00")) is None


def test_seconds_are_not_rounded_away() -> None:
    morning = calendar(("09:00", "11:00"))
    assert slot_at(morning, at("09:00") + timedelta(seconds=1), at("08:00")) is None
    assert slot_at(morning, at("09:00") + timedelta(microseconds=1), at("08:00")) is None


@pytest.mark.parametrize(
    "start",
    [
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))),
    ],
)
@pytest.mark.parametrize("name", ["Asia/Tokyo", "America/Los_Angeles"])
def test_the_ends_of_time_are_no_slot_and_no_error(start: datetime, name: str) -> None:
    assert slot_at(calendar(("00:00", "24:00"), timezone=name), start, at("08:00")) is None


def test_a_time_without_its_offset_is_refused() -> None:
    naive = at("09:00").replace(tzinfo=None)
    with pytest.raises(ValueError, match="offset"):
        slot_at(calendar(("09:00", "11:00")), naive, at("08:00"))
    with pytest.raises(ValueError, match="offset"):
        slot_at(calendar(("09:00", "11:00")), at("09:00"), naive)
    with pytest.raises(ValueError, match="offset"):
        offered(calendar(("09:00", "11:00")), MONDAY, MONDAY, naive)


# The clocks go forward. Dates are past ones: a country may yet change its mind about those to come.


def test_the_missing_hour_is_not_offered_and_nothing_else_is_lost() -> None:
    paris = calendar(("01:00", "05:00"), timezone="Europe/Paris")  # 02:00 becomes 03:00
    slots = day_of(paris, date(2024, 3, 31))
    assert local(paris, slots) == ["31. 01:00", "31. 03:00", "31. 04:00"]
    assert times(slots) == ["00:00-01:00", "01:00-02:00", "02:00-03:00"]


def test_a_slot_that_runs_into_the_gap_is_not_offered_and_one_that_ends_at_it_is() -> None:
    paris = calendar(("01:00", "05:00"), timezone="Europe/Paris", slot=40)
    assert local(paris, day_of(paris, date(2024, 3, 31))) == [
        "31. 01:00",
        "31. 03:00",
        "31. 03:40",
        "31. 04:20",
    ]
    ends_at_it = calendar(("01:20", "02:00"), timezone="Europe/Paris", slot=40)
    assert local(ends_at_it, day_of(ends_at_it, date(2024, 3, 31))) == ["31. 01:20"]


def test_a_slot_longer_than_the_gap_does_not_jump_over_it() -> None:
    paris = calendar(("01:00", "05:00"), timezone="Europe/Paris", slot=180)
    assert day_of(paris, date(2024, 3, 31)) == []


def test_a_gap_of_half_an_hour_takes_half_an_hour() -> None:
    lord_howe = calendar(("01:30", "03:30"), timezone="Australia/Lord_Howe", slot=30)  # 02:00 becomes 02:30
    slots = day_of(lord_howe, date(2024, 10, 6))
    assert local(lord_howe, slots) == ["06. 01:30", "06. 02:30", "06. 03:00"]
    assert slots[0].end == slots[1].start


def test_a_day_that_begins_with_the_gap_begins_after_it() -> None:
    cairo = calendar(("00:00", "03:00"), ("23:00", "24:00"), timezone="Africa/Cairo")  # 00:00 becomes 01:00
    friday = date(2024, 4, 26)
    slots = offered(cairo, friday - timedelta(days=1), friday, datetime(2024, 4, 1, tzinfo=UTC))
    assert local(cairo, slots) == [
        "25. 00:00",
        "25. 01:00",
        "25. 02:00",
        "25. 23:00",
        "26. 01:00",
        "26. 02:00",
        "26. 23:00",
    ]
    assert slots[3].end == slots[4].start


def test_a_gap_across_midnight_is_missing_from_both_days() -> None:
    # America/Toronto, 30 March 1919: 23:30 became 00:30 of the 31st.
    toronto = calendar(("00:00", "01:00"), ("23:00", "24:00"), timezone="America/Toronto", slot=30)
    slots = offered(toronto, date(1919, 3, 30), date(1919, 3, 31), datetime(1919, 3, 30, 12, tzinfo=UTC))
    assert local(toronto, slots) == ["30. 23:00", "31. 00:30", "31. 23:00", "31. 23:30"]


def test_a_date_that_a_country_skipped_offers_nothing() -> None:
    apia = calendar(("09:00", "10:00"), ("23:00", "24:00"), timezone="Pacific/Apia")
    slots = offered(apia, date(2011, 12, 29), date(2011, 12, 31), datetime(2011, 12, 1, tzinfo=UTC))
    assert local(apia, slots) == ["29. 09:00", "29. 23:00", "31. 09:00", "31. 23:00"]
    assert slots[2].start - slots[1].end == timedelta(hours=9)
    assert [slot_at(apia, slot.start, datetime(2011, 12, 1, tzinfo=UTC)) for slot in slots] == slots


# The clocks go back


def test_the_repeated_hour_is_offered_once_as_it_first_comes() -> None:
    paris = calendar(("01:00", "05:00"), timezone="Europe/Paris")  # 03:00 becomes 02:00
    slots = day_of(paris, date(2024, 10, 27))
    assert local(paris, slots) == ["27. 01:00", "27. 02:00", "27. 03:00", "27. 04:00"]
    assert times(slots) == ["23:00-00:00", "00:00-01:00", "02:00-03:00", "03:00-04:00"]
    second_time = datetime(2024, 10, 27, 2, fold=1, tzinfo=ZoneInfo("Europe/Paris"))
    assert slot_at(paris, second_time.replace(fold=0), slots[0].start) == slots[1]
    assert slot_at(paris, second_time, slots[0].start) is None


def test_a_slot_that_runs_into_the_repeated_hour_lasts_no_longer_for_it() -> None:
    paris = calendar(("02:30", "04:30"), timezone="Europe/Paris")
    slots = day_of(paris, date(2024, 10, 27))
    assert times(slots) == ["00:30-01:30", "02:30-03:30"]


def test_a_repeated_half_hour_is_half_an_hour() -> None:
    lord_howe = calendar(("01:00", "02:30"), timezone="Australia/Lord_Howe", slot=30)  # 02:00 becomes 01:30
    slots = day_of(lord_howe, date(2024, 4, 7))
    assert local(lord_howe, slots) == ["07. 01:00", "07. 01:30", "07. 02:00"]
    assert [later.start - earlier.start for earlier, later in itertools.pairwise(slots)] == [
        timedelta(minutes=30),
        timedelta(minutes=60),
    ]


def test_the_hour_before_midnight_is_repeated_once_and_the_next_day_begins_after_it() -> None:
    havana = calendar(("00:00", "02:00"), timezone="America/Havana")  # 01:00 becomes 00:00
    assert times(day_of(havana, date(2024, 11, 3))) == ["04:00-05:00", "06:00-07:00"]
    cairo = calendar(("00:00", "01:00"), ("23:00", "24:00"), timezone="Africa/Cairo")  # 24:00 becomes 23:00
    slots = offered(cairo, date(2024, 10, 31), date(2024, 11, 1), datetime(2024, 10, 31, 12, tzinfo=UTC))
    assert local(cairo, slots) == ["31. 23:00", "01. 00:00", "01. 23:00"]
    assert slots[1].start - slots[0].end == timedelta(hours=1)


def test_in_the_second_of_two_equal_hours_the_first_is_past() -> None:
    havana = calendar(("00:00", "02:00"), timezone="America/Havana")
    second_midnight = datetime(2024, 11, 3, 5, tzinfo=UTC)
    assert times(offered(havana, date(2024, 11, 3), date(2024, 11, 3), second_midnight)) == ["06:00-07:00"]


# What is taken


def test_a_slot_is_free_that_nothing_touches() -> None:
    slots = day_of(calendar(("09:00", "13:00")), MONDAY)
    assert list(free(slots, [])) == slots
    taken = [(at("08:30"), at("09:05")), (at("10:55"), at("11:00")), (at("11:00"), at("11:05"))]
    assert list(free(slots, taken)) == [slots[3]]
    assert list(free(slots, [(at("08:00"), at("13:00"))])) == []
    assert list(free([], taken)) == []


def test_what_ends_as_a_slot_begins_or_begins_as_it_ends_leaves_it_free() -> None:
    slots = day_of(calendar(("09:00", "10:00")), MONDAY)
    assert list(free(slots, [(at("08:00"), at("09:00")), (at("10:00"), at("11:00"))])) == slots
