"""When a doctor works, and the slots that follow from it.

The suite computes slots in one place (appointment_service.domain.slots). Here only what the clinic group does is done:
hours that begin at five minutes and are far from the nights in which clocks change.
"""

from datetime import date, datetime, timedelta
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.seed import lists
from tests.seed.people import DAY, Batch, Doctor, Document
from tests.seed.sites import SITES

_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_EPOCH = date(1970, 1, 1).toordinal()


class Hours(NamedTuple):
    calendar: Document
    """As doctor-service announces it."""
    overrides: list[Document]
    """The calendar's, with their reasons."""


def hours(batch: Batch, doctor: Doctor, random: Random) -> Hours:
    """A week, its terms, and the days that differ: holidays and congresses, of the year past and of weeks to come."""
    week = random.choice(lists.WEEKS)
    weekly = [
        {"weekday": weekday, "from": window.split("-")[0], "to": window.split("-")[1]}
        for weekdays, windows in week
        for weekday in weekdays.split()
        for window in windows.split()
    ]
    weekly.sort(key=lambda window: (_WEEKDAYS.index(window["weekday"]), window["from"]))
    overrides = _overrides(batch, doctor, random)
    calendar = {
        "timezone": SITES[doctor.site].zone,
        "slotMinutes": doctor.specialty.minutes,
        "bufferMinutes": random.choice((0, 0, 5, 10)),
        "minNoticeMinutes": random.choice((0, 60, 120)),
        "horizonDays": random.choice((42, 60, 60, 90)),
        "cancellationNoticeMinutes": random.choice((0, 720, 1440)),
        "requiresConfirmation": random.random() < 0.15,
        "unattendedOutcome": "NO_SHOW" if random.random() < 0.1 else "COMPLETED",
        "weekly": weekly,
        "overrides": [{"date": item["date"], "windows": item["windows"]} for item in overrides],
    }
    return Hours(calendar, overrides)


def _overrides(batch: Batch, doctor: Doctor, random: Random) -> list[Document]:
    found: dict[str, Document] = {}
    first = doctor.opened.toordinal() - batch.today.toordinal()
    # four times a week or more off, one of them perhaps to come
    for begin in (random.randint(max(first, -365), 35) for _ in range(4)):
        for day in range(begin, begin + random.choice((5, 7, 12))):
            found[_date(batch, day)] = {"windows": [], "reason": "Holiday"}
    for _ in range(3):
        morning = [{"from": "08:00", "to": "12:00"}]
        found[_date(batch, random.randint(max(first, -365), 35))] = {"windows": morning, "reason": "Congress"}
    return [{"date": day, **found[day]} for day in sorted(found)]


def _date(batch: Batch, day: int) -> str:
    return str((batch.today + day * DAY).date())


def slots(batch: Batch, doctor: Doctor, calendar: Document, last: int) -> list[tuple[int, int]]:
    """(start in minutes since 1970, day counted from today) of each slot until the day ``last``."""
    zone = ZoneInfo(calendar["timezone"])
    weekly: dict[int, list[tuple[int, int]]] = {}
    for window in calendar["weekly"]:
        weekly.setdefault(_WEEKDAYS.index(window["weekday"]), []).append(_window(window))
    overrides = {item["date"]: [_window(window) for window in item["windows"]] for item in calendar["overrides"]}
    length = calendar["slotMinutes"]
    step = length + calendar["bufferMinutes"]
    today, found = batch.today.date(), []
    for number in range(doctor.opened.toordinal() - batch.today.toordinal(), last + 1):
        day = today + timedelta(days=number)
        windows = overrides.get(str(day), weekly.get(day.weekday()))
        if windows:
            noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
            offset = noon.utcoffset() or timedelta()
            midnight = (day.toordinal() - _EPOCH) * 1440 - offset // timedelta(minutes=1)
            for opens, closes in windows:
                found += [(midnight + minute, number) for minute in range(opens, closes - length + 1, step)]
    return found


def _window(window: Document) -> tuple[int, int]:
    opens, closes = ([int(part) for part in window[end].split(":")] for end in ("from", "to"))
    return opens[0] * 60 + opens[1], closes[0] * 60 + closes[1]
