"""Slots: the times of a doctor's calendar that could be booked now.

`offered` shows them and `slot_at` accepts them, from one computation: what is shown is bookable, and what is
bookable is shown. Neither knows what is taken; `free` leaves that out.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from appointment_service.domain.calendar import Calendar
from appointment_service.domain.claims import CELL_MINUTES
from appointment_service.domain.wallclock import day_clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_DAY_SECONDS = 24 * 60 * 60
_CELL_SECONDS = CELL_MINUTES * 60


# A tuple, not a dataclass: many are made for one answer, and a tuple is made in half the time.
class Slot(NamedTuple):
    """A time to be booked, [start, end), both aware and in UTC."""

    start: datetime
    end: datetime


def offered(calendar: Calendar, first: date, last: date, now: datetime) -> list[Slot]:
    """The slots of the local dates from `first` to `last`, both included, that could be booked at `now`.

    In order, and none overlaps another. In each window starts follow one another by slot and buffer, on the
    wall clock, as long as the slot ends within the window. A slot that needs a minute the clock skips is not
    offered; a repeated hour is offered once, as it first comes; a slot always lasts its length in real time.
    Starts are multiples of five minutes in UTC, not before `now` and the notice, and on a date (the doctor's)
    at most `horizon_days` from that of `now`. ValueError if `now` is naive.
    """
    length = timedelta(minutes=calendar.slot_minutes)
    slots = []
    for seconds in _offered_starts(calendar, first, last, now):
        start = _EPOCH + timedelta(seconds=seconds)
        slots.append(Slot(start, start + length))
    return slots


def slot_at(calendar: Calendar, start: datetime, now: datetime) -> Slot | None:
    """The slot that `offered` shows at `start` (any zone), or None; ValueError for a naive datetime.

    It costs one day's computation: the local date of a start is the one under which it is offered.
    """
    _require_aware(start)
    try:
        start = start.astimezone(UTC)
        day = start.astimezone(calendar.zone).date()
        slot = Slot(start, start + timedelta(minutes=calendar.slot_minutes))
    except OverflowError:  # the first and last days of the datetime type, which a client may well send
        return None
    seconds, fraction = divmod(start - _EPOCH, _SECOND)
    if fraction or seconds not in _offered_starts(calendar, day, day, now):
        return None
    return slot


def offered_minutes(calendar: Calendar, day: date) -> int:
    """The minutes of all slots of a local date together, be they booked, over or too near to be booked."""
    return len(_starts(calendar, day)) * calendar.slot_minutes


def free(slots: Iterable[Slot], taken: Iterable[tuple[datetime, datetime]]) -> Iterator[Slot]:
    """The slots (in order) that overlap none of the taken times [start, end).

    Those are in order, too, and do not overlap one another. Both are gone through once, and no further than asked for.
    """
    times = iter(taken)
    held = next(times, None)
    for slot in slots:
        while held and held[1] <= slot.start:
            held = next(times, None)
        if held is None or held[0] >= slot.end:
            yield slot


def _offered_starts(calendar: Calendar, first: date, last: date, now: datetime) -> Iterator[int]:
    _require_aware(now)
    today = now.astimezone(calendar.zone).date()
    # Local dates never run backwards over first occurrences, so nothing of an earlier date lies ahead.
    begin = max(first, today).toordinal()
    end = min(last.toordinal(), today.toordinal() + calendar.horizon_days)
    earliest = -((_EPOCH - now.astimezone(UTC)) // _SECOND) + calendar.min_notice_minutes * 60
    for ordinal in range(begin, end + 1):
        for start in _starts(calendar, date.fromordinal(ordinal)):
            if start >= earliest:
                yield start


def _starts(calendar: Calendar, day: date) -> list[int]:
    """The starts of a local date in seconds since the epoch, whatever the time is now."""
    windows = calendar.windows_on(day)
    if not windows:
        return []
    clock = day_clock(calendar.timezone, day)
    midnight = (day.toordinal() - _EPOCH.toordinal()) * _DAY_SECONDS
    length = calendar.slot_minutes
    step = length + calendar.buffer_minutes
    starts: list[int] = []
    for window in windows:
        for minute in range(window.opens, window.closes - length + 1, step):
            offset = clock.offset(minute, minute + length)
            if offset is None:
                continue
            start = midnight + minute * 60 - offset
            # Off the grid of cells nothing can be claimed; where windows overlap, the earlier one goes first.
            if start % _CELL_SECONDS == 0 and (not starts or start >= starts[-1] + length * 60):
                starts.append(start)
    return starts


def _require_aware(moment: datetime) -> None:
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} must carry its offset from UTC")
