"""Slots are right in every zone, above all around its clock changes: checked against the definition itself.

The reference walks through UTC in steps of five minutes and asks of each what the local clock shows, which is
the other way round from the code: that goes from the wall clock to UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from appointment_service.domain.appointment import Status
from appointment_service.domain.calendar import Calendar, Window
from appointment_service.domain.slots import free, offered, slot_at

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
FIRST, LAST = date(1973, 1, 1), date(2045, 12, 31)  # from when on every offset is in whole minutes
STEP = timedelta(minutes=5)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Case:
    """A calendar, the dates asked for and the time of asking."""

    calendar: Calendar
    first: date
    last: date
    now: datetime


@cache
def change_days(zone: str) -> list[date]:
    """The local dates around the zone's clock changes; a zone without any has the first date only."""
    tz = ZoneInfo(zone)
    days = [FIRST + DAY * n for n in range(0, (LAST - FIRST).days, 7)]
    offsets = [datetime.combine(day, time(12), tz).utcoffset() for day in days]
    weeks = [day for day, (before, after) in zip(days, pairwise(offsets), strict=False) if before != after]
    changes = []
    for week in weeks:
        for day in (week + DAY * n for n in range(8)):
            noons = (datetime.combine(day + DAY * n, time(12), tz).utcoffset() for n in (-1, 0))
            if len(set(noons)) > 1:
                changes.append(day)
    return changes or [FIRST]


@st.composite
def windows(draw: st.DrawFn) -> tuple[Window, ...]:
    """None to three windows of a day that do not overlap, often at midnight or where clocks change."""
    edge = st.one_of(
        st.sampled_from([0, 60, 90, 120, 150, 180, 240, 1380, 1410, 1440]),
        st.integers(0, 288).map(lambda n: n * 5),
    )
    edges = sorted(draw(st.sets(edge, max_size=6)))
    return tuple(Window(*pair) for pair in zip(edges[::2], edges[1::2], strict=False))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone = draw(st.sampled_from(ZONES))
    middle = draw(st.one_of(st.sampled_from(change_days(zone)), st.dates(FIRST, LAST)))
    first = middle - DAY * draw(st.integers(0, 1))
    last = middle + DAY * draw(st.integers(0, 1))
    calendar = Calendar(
        timezone=zone,
        slot_minutes=draw(st.sampled_from([5, 10, 20, 30, 45, 60, 90, 240, 1440])),
        buffer_minutes=draw(st.sampled_from([0, 0, 5, 10, 15, 60])),
        min_notice_minutes=draw(st.sampled_from([0, 0, 7, 60, 1440])),
        horizon_days=draw(st.integers(0, 4)),
        cancellation_notice_minutes=0,
        requires_confirmation=False,
        unattended_outcome=Status.COMPLETED,
        weekly={weekday: draw(windows()) for weekday in range(7)},
        overrides={middle: draw(windows())} if draw(st.booleans()) else {},
    )
    before = draw(st.integers(-12 * 60, 4 * 24 * 60))
    seconds = draw(st.sampled_from([0.0, 0.000001, 59.5]))
    now = datetime.combine(first, time(12), UTC) - MINUTE * before + timedelta(seconds=seconds)
    return Case(calendar, first, last, now)


def all_day(zone: str, first: str, last: str, slot: int, *, buffer: int = 0) -> Case:
    """The whole of every day from a few days before, as a known hard case."""
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    open_all_day = dict.fromkeys(range(7), (Window(0, 1440),))
    calendar = Calendar(zone, slot, buffer, 0, 30, 0, False, Status.COMPLETED, open_all_day, {})
    return Case(calendar, begin, end, datetime.combine(begin - DAY * 3, time(), UTC))


@cache
def exists(tz: ZoneInfo, wall: datetime) -> bool:
    """Whether the zone's clock ever shows this minute: it comes back from UTC as it went."""
    return wall.replace(tzinfo=tz).astimezone(UTC).astimezone(tz).replace(tzinfo=None, fold=0) == wall


def instants(case: Case) -> Iterator[datetime]:
    """Every multiple of five minutes that can belong to the dates, in UTC, and a day more on either side."""
    moment = datetime.combine(case.first, time(), UTC) - DAY * 2
    while moment < datetime.combine(case.last, time(), UTC) + DAY * 3:
        yield moment
        moment += STEP


def should_be_offered(calendar: Calendar, moment: datetime, now: datetime) -> bool:
    tz = ZoneInfo(calendar.timezone)
    shown = moment.astimezone(tz)
    wall = shown.replace(tzinfo=None, fold=0)
    minute = wall.hour * 60 + wall.minute
    length, step = calendar.slot_minutes, calendar.slot_minutes + calendar.buffer_minutes
    override = calendar.overrides.get(wall.date())
    day_windows = calendar.weekly[wall.weekday()] if override is None else override
    return (
        any(
            window.opens <= minute and minute + length <= window.closes and (minute - window.opens) % step == 0
            for window in day_windows
        )
        and shown.fold == 0
        and all(exists(tz, wall + MINUTE * n) for n in range(length))
        and moment - now >= MINUTE * calendar.min_notice_minutes
        and (wall.date() - now.astimezone(tz).date()).days <= calendar.horizon_days
    )


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
@example(all_day("Australia/Lord_Howe", "2026-04-04", "2026-04-06", 20))
@example(all_day("Australia/Lord_Howe", "2026-10-03", "2026-10-05", 20))
@example(all_day("Pacific/Apia", "2011-12-28", "2012-01-01", 45))
@example(all_day("Pacific/Kwajalein", "1993-08-19", "1993-08-23", 45))
@example(all_day("America/Sao_Paulo", "2018-11-03", "2018-11-05", 60))
@example(all_day("America/Sao_Paulo", "2018-02-17", "2018-02-18", 60))
@example(all_day("America/St_Johns", "2010-03-13", "2010-03-15", 5))
@example(all_day("America/St_Johns", "2010-11-05", "2010-11-08", 25))
@example(all_day("Africa/Casablanca", "2026-02-14", "2026-03-23", 240))
@example(all_day("Antarctica/Troll", "2026-03-28", "2026-03-30", 30, buffer=5))
@example(all_day("Europe/Dublin", "2026-10-24", "2026-10-26", 1440))
def test_offered_and_bookable_are_exactly_what_the_definition_says(case: Case) -> None:
    slots = offered(case.calendar, case.first, case.last, case.now)
    starts = [slot.start for slot in slots]
    expected = [m for m in instants(case) if should_be_offered(case.calendar, m, case.now)]
    shown = [m for m in expected if case.first <= m.astimezone(case.calendar.zone).date() <= case.last]
    assert starts == shown
    bookable = [m for m in instants(case) if slot_at(case.calendar, m, case.now) is not None]
    assert bookable == expected
    assert [slot_at(case.calendar, slot.start, case.now) for slot in slots] == slots


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(cases(), st.lists(st.tuples(st.integers(0, 284), st.integers(1, 288)), max_size=4))
def test_slots_are_sorted_of_exact_length_in_utc_and_never_overlap_even_where_windows_do(
    case: Case, spans: list[tuple[int, int]]
) -> None:
    overlapping = tuple(Window(first * 5, min(first + length, 288) * 5) for first, length in spans)
    made = case.calendar
    settled = {name: getattr(made, name) for name in made.__slots__}
    overrides = {case.first: overlapping, case.last: overlapping}
    calendar = Calendar(**settled | {"overrides": overrides})
    slots = offered(calendar, case.first, case.last, case.now)
    for slot in slots:
        assert slot.start.tzinfo is UTC
        assert slot.end.tzinfo is UTC
        assert slot.end - slot.start == MINUTE * calendar.slot_minutes
        assert slot.start.timestamp() % 300 == 0
        assert slot.start >= case.now
        assert slot_at(calendar, slot.start, case.now) == slot
    for earlier, later in pairwise(slots):
        assert earlier.end <= later.start


@st.composite
def standing(draw: st.DrawFn, case: Case) -> list[tuple[datetime, datetime]]:
    """Bookings made on other terms: slots of another calendar of the doctor's, of another length, in another zone."""
    zone, slot = draw(st.sampled_from(ZONES)), draw(st.sampled_from([5, 25, 30, 75, 480, 1440]))
    day = tuple(Window(*pair) for pair in ((0, 720), (735, 1440)))
    before = Calendar(zone, slot, 0, 0, 30, 0, False, Status.COMPLETED, dict.fromkeys(range(7), day), {})
    slots = offered(
        before, case.first - DAY * 2, case.last + DAY * 2, datetime.combine(case.first, time(), UTC) - DAY * 5
    )
    return [(s.start, s.end) for s in slots if draw(st.integers(0, 3)) == 0]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), cases())
def test_what_is_shown_is_what_is_bookable_and_overlaps_no_booking_of_another_length_or_zone(
    data: st.DataObject, case: Case
) -> None:
    taken = data.draw(standing(case))
    slots = offered(case.calendar, case.first, case.last, case.now)
    shown = list(free(slots, taken))
    length = MINUTE * case.calendar.slot_minutes
    bookable = [
        moment
        for moment in instants(case)
        if case.first <= moment.astimezone(case.calendar.zone).date() <= case.last
        and slot_at(case.calendar, moment, case.now) is not None
        and not any(start < moment + length and moment < end for start, end in taken)
    ]
    assert [slot.start for slot in shown] == bookable


def test_in_every_zone_a_day_of_each_change_of_a_year_is_cut_as_its_clock_runs() -> None:
    for zone in ZONES:
        tz = ZoneInfo(zone)
        noons = [datetime(2025, 1, 1, 12, tzinfo=tz) + DAY * n for n in range(365)]
        changes = [later.date() for earlier, later in pairwise(noons) if earlier.utcoffset() != later.utcoffset()]
        for day in changes or [date(2025, 1, 1)]:
            case = all_day(zone, day.isoformat(), day.isoformat(), 30)
            slots = offered(case.calendar, day, day, case.now)
            assert [slot.start for slot in slots] == half_hours(tz, day), f"{zone} {day}"


def half_hours(tz: ZoneInfo, day: date) -> list[datetime]:
    """When a local date's half-hours begin: each that the clock shows whole, as it first comes."""
    walls: dict[int, datetime] = {}
    moment = datetime.combine(day, time(), UTC) - DAY
    while moment < datetime.combine(day, time(), UTC) + DAY * 2:
        local = moment.astimezone(tz)
        if local.date() == day:
            walls.setdefault(local.hour * 60 + local.minute, moment)
        moment += STEP
    return [at for wall, at in walls.items() if wall % 30 == 0 and all(wall + n in walls for n in range(0, 30, 5))]
