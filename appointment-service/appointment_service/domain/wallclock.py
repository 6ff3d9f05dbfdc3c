"""The wall clock of a zone: which minutes a local day has, and how far from UTC each of them is.

A clock change leaves a gap (wall-clock minutes that never happen) or a fold (minutes that happen twice,
told apart by `fold`, PEP 495). Here a fold is read as its first occurrence, and a gap as no time at all.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY_MINUTES = 24 * 60
_NO_OFFSET = timedelta()


# ZoneInfo itself keeps only eight zones alive, and reads the file again for a ninth.
@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name; ValueError if there is none of that name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise ValueError(f"timezone: {name!r} is not an IANA zone") from error


class DayClock(NamedTuple):
    """One local day cut where its offset from UTC changes.

    `edges` are the first minutes (0-1439) of the stretches, ascending from 0; `offsets` are their offsets
    from UTC in seconds, or None where the wall clock skips the stretch.
    """

    edges: tuple[int, ...]
    offsets: tuple[int | None, ...]

    def offset(self, first: int, end: int) -> int | None:
        """The offset from UTC (seconds) at minute `first`; None if a minute of [first, end) is skipped."""
        if len(self.offsets) == 1:
            return self.offsets[0]
        stretch = bisect_right(self.edges, first) - 1
        if None in self.offsets[stretch : bisect_left(self.edges, end)]:
            return None
        return self.offsets[stretch]


@lru_cache(maxsize=8192)
def day_clock(timezone: str, day: date) -> DayClock:
    """The wall clock of `day` in `timezone` (IANA name); ValueError for an unknown zone."""
    midnight = datetime.combine(day, time(), zone(timezone))

    def offsets_at(minute: int) -> tuple[timedelta, timedelta]:
        # Adding to an aware datetime moves the wall clock, not the instant, and that is what is wanted.
        moment = midnight + timedelta(minutes=minute)
        return moment.utcoffset() or _NO_OFFSET, moment.replace(fold=1).utcoffset() or _NO_OFFSET

    def edges_between(low: int, high: int) -> Iterator[int]:
        # Equal ends mean no change between them: no zone changes its offset twice within three days.
        if offsets_at(low) == offsets_at(high):
            return
        if high - low == 1:
            yield high
            return
        middle = (low + high) // 2
        yield from edges_between(low, middle)
        yield from edges_between(middle, high)

    edges = (0, *edges_between(0, DAY_MINUTES - 1))
    offsets: list[int | None] = []
    for edge in edges:
        first, second = offsets_at(edge)
        # PEP 495: the offset grows with fold in a gap, and shrinks in a fold.
        offsets.append(None if first < second else int(first.total_seconds()))
    return DayClock(edges, tuple(offsets))
