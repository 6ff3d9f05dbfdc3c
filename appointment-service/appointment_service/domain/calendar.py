"""A doctor's calendar: when the doctor works, by the wall clock, and on what terms a time may be booked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

from appointment_service.domain.appointment import Status
from appointment_service.domain.claims import CELL_MINUTES
from appointment_service.domain.wallclock import DAY_MINUTES, zone

_WEEKDAY_OF = {name: day for day, name in enumerate(("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"))}
_MINUTE_OF = {f"{minute // 60:02}:{minute % 60:02}": minute for minute in range(DAY_MINUTES + 1)}

_SLOT_LENGTHS = range(CELL_MINUTES, DAY_MINUTES + 1, CELL_MINUTES)
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A stretch of the wall-clock day, in minutes: 0 <= opens < closes <= 1440, else ValueError."""

    opens: int
    closes: int

    def __post_init__(self) -> None:
        if not 0 <= self.opens < self.closes <= DAY_MINUTES:
            raise ValueError(f"window: {self.opens}-{self.closes} is not a stretch of the day's 1440 minutes")


@dataclass(frozen=True, slots=True)
class Calendar:
    """What `offered` needs to know of a doctor. Durations are whole minutes; `timezone` is an IANA name.

    `weekly` has a weekday's windows (0 = Monday), `overrides` those of one date, which replace the weekday's
    altogether (none = day off). Windows are kept in order. ValueError, naming the field, for what could not
    be booked: an unknown zone, a negative number, a slot length that is not a multiple of five minutes.
    """

    timezone: str
    slot_minutes: int
    buffer_minutes: int
    min_notice_minutes: int
    horizon_days: int
    cancellation_notice_minutes: int
    requires_confirmation: bool
    unattended_outcome: Status
    weekly: Mapping[int, tuple[Window, ...]]
    overrides: Mapping[date, tuple[Window, ...]]

    def __post_init__(self) -> None:
        zone(self.timezone)
        for name in ("buffer_minutes", "min_notice_minutes", "horizon_days", "cancellation_notice_minutes"):
            value = getattr(self, name)
            if type(value) is not int or value < 0:
                raise ValueError(f"{name}: {value!r} is not a whole number from 0")
        if type(self.slot_minutes) is not int or self.slot_minutes not in _SLOT_LENGTHS:
            raise ValueError(f"slot_minutes: {self.slot_minutes!r} is not a multiple of 5 within a day")
        if type(self.requires_confirmation) is not bool:
            raise ValueError(f"requires_confirmation: {self.requires_confirmation!r} is not true or false")
        if self.unattended_outcome not in (Status.COMPLETED, Status.NO_SHOW):
            raise ValueError(f"unattended_outcome: {self.unattended_outcome!r} is not COMPLETED or NO_SHOW")
        if not set(self.weekly) <= set(range(7)):
            raise ValueError("weekly: a weekday is 0 (Monday) to 6")
        # Copies behind a read-only view, or a frozen calendar could still change under whoever holds it.
        object.__setattr__(self, "unattended_outcome", Status(self.unattended_outcome))
        object.__setattr__(self, "weekly", _in_order(self.weekly))
        object.__setattr__(self, "overrides", _in_order(self.overrides))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The calendar that a `doctor-updated` event carries; ValueError for one that cannot be read.

        Keys are the event's (`slotMinutes`, `weekly: [{weekday, from, to}]`, `overrides: [{date, windows}]`);
        others are passed over, as an event may say more than this service needs. Times are "HH:MM"; "24:00",
        and "00:00" as an end, is the midnight at the end of the day.
        """
        try:
            weekly: dict[int, tuple[Window, ...]] = {}
            for entry in data["weekly"]:
                weekday = _WEEKDAY_OF[entry["weekday"]]
                weekly[weekday] = (*weekly.get(weekday, ()), _window(entry))
            overrides = {
                date.fromisoformat(entry["date"]): tuple(_window(window) for window in entry["windows"])
                for entry in data["overrides"]
            }
            return cls(
                timezone=data["timezone"],
                slot_minutes=data["slotMinutes"],
                buffer_minutes=data["bufferMinutes"],
                min_notice_minutes=data["minNoticeMinutes"],
                horizon_days=data["horizonDays"],
                cancellation_notice_minutes=data["cancellationNoticeMinutes"],
                requires_confirmation=data["requiresConfirmation"],
                unattended_outcome=data["unattendedOutcome"],
                weekly=weekly,
                overrides=overrides,
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"calendar: missing or unreadable: {error}") from error

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose wall clock the windows are read on."""
        return zone(self.timezone)

    def windows_on(self, day: date) -> tuple[Window, ...]:
        """The windows of a local date, in order: its override if it has one, else its weekday's."""
        override = self.overrides.get(day)
        return self.weekly.get(day.weekday(), ()) if override is None else override


def _window(entry: Mapping[str, Any]) -> Window:
    # As an end, "00:00" can only mean the midnight that ends the day, which "24:00" says too.
    return Window(_MINUTE_OF[entry["from"]], _MINUTE_OF[entry["to"]] or DAY_MINUTES)


def _in_order(windows: Mapping[_Key, tuple[Window, ...]]) -> Mapping[_Key, tuple[Window, ...]]:
    return MappingProxyType({key: tuple(sorted(value)) for key, value in windows.items()})
