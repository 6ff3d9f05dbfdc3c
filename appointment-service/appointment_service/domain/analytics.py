"""Figures: what appointments add up to, against the time that was offered."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from appointment_service.domain.appointment import Status

MOST_DAYS = 366
USUAL_DAYS = 30

_BOOKED = frozenset({Status.BOOKED, Status.CHECKED_IN, Status.COMPLETED, Status.NO_SHOW})
"""The statuses whose minutes count as booked: the time was nobody else's."""


class Group(StrEnum):
    """What figures are told apart by."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    DOCTOR = "doctor"
    SPECIALTY = "specialty"


BY_TIME = frozenset({Group.DAY, Group.WEEK, Group.MONTH})


@dataclass
class Tally:
    """Appointments and minutes of one group, or of several together."""

    counts: Counter[str] = field(default_factory=Counter)
    booked_minutes: int = 0
    offered_minutes: int = 0

    def add(self, status: str, count: int, minutes: int) -> None:
        """Count so many appointments of that status, which last so many minutes together."""
        self.counts[status] += count
        if status in _BOOKED:
            self.booked_minutes += minutes

    @classmethod
    def sum(cls, tallies: Iterable["Tally"]) -> "Tally":
        total = cls()
        for tally in tallies:
            total.counts.update(tally.counts)
            total.booked_minutes += tally.booked_minutes
            total.offered_minutes += tally.offered_minutes
        return total

    def figures(self) -> dict[str, Any]:
        """{counts, total, cancellationRate, noShowRate, bookedMinutes, offeredMinutes, utilisation}.

        Rates have four decimals, and are None where there is nothing to divide by. Utilisation is above 1 where
        booked time is offered no more.
        """
        counts = {status.value: self.counts[status] for status in Status}
        total = sum(counts.values())
        over = counts[Status.COMPLETED] + counts[Status.NO_SHOW]
        return {
            "counts": counts,
            "total": total,
            "cancellationRate": _rate(counts[Status.CANCELLED], total),
            "noShowRate": _rate(counts[Status.NO_SHOW], over),
            "bookedMinutes": self.booked_minutes,
            "offeredMinutes": self.offered_minutes,
            "utilisation": _rate(self.booked_minutes, self.offered_minutes),
        }


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
