"""Rules of profiles, calendars and search that need no I/O, clock or randomness.

A doctor is the document that store.py describes; windows are ``{"from": "09:00", "to": "12:30"}``, in a week also
with their ``weekday``, in the wall-clock time of the doctor's zone, "24:00" being the end of the day.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from doctor_service.errors import InvalidTransition, OverrideNotFound, TooManyOverrides

Document = dict[str, Any]

MOST_OVERRIDES = 366

FEE_NOT_TOLD = 2**53 - 1
"""Where a doctor without a fee stands in the order of fees: last."""

_LONGEST_WORD = 40


class Moderation(StrEnum):
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    SUSPENDED = "SUSPENDED"


class Step(StrEnum):
    """What moves a profile from one standing to the next; the values are those of the audit's actions."""

    APPROVED = "approved"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"
    RESUBMITTED = "resubmitted"


_STEPS = {
    Step.APPROVED: ({Moderation.PENDING, Moderation.REJECTED}, Moderation.APPROVED),
    Step.REJECTED: ({Moderation.PENDING}, Moderation.REJECTED),
    Step.SUSPENDED: ({Moderation.APPROVED}, Moderation.SUSPENDED),
    Step.REINSTATED: ({Moderation.SUSPENDED}, Moderation.APPROVED),
    # a profile that was turned down is looked at again once it was edited; a suspended one is not
    Step.RESUBMITTED: ({Moderation.REJECTED}, Moderation.PENDING),
}
"""From which standings, to which."""


def moderated(doctor: Document, step: Step, *, at: datetime, by: str, reason: str | None) -> Document:
    """The fields that a step changes, its line in the history included. Raises InvalidTransition."""
    before, status = _STEPS[step]
    if doctor["moderationStatus"] not in before:
        raise InvalidTransition
    return {
        "moderationStatus": status,
        "moderationReason": reason,
        "moderationHistory": [*doctor["moderationHistory"], decision(status, at=at, by=by, reason=reason)],
    }


def decision(status: Moderation, *, at: datetime, by: str, reason: str | None = None) -> Document:
    """A line of the history."""
    return {"status": status, "at": at, "by": by, **({"reason": reason} if reason else {})}


def derived(doctor: Document) -> Document:
    """What is kept with a doctor only to be found by: ``listed`` and the ``search`` keys."""
    clinic, fee = doctor["clinic"] or {}, doctor["fee"]
    told = (doctor["name"], doctor["specialty"], doctor["bio"], clinic.get("city"))
    return {
        "listed": doctor["moderationStatus"] == Moderation.APPROVED and doctor["visible"] and doctor["active"],
        "search": {
            "name": fold(doctor["name"]),
            "specialty": fold(doctor["specialty"]),
            "city": fold(clinic.get("city") or ""),
            "languages": sorted({part for tag in doctor["languages"] for part in _ranges(tag)}),
            "fee": fee["hundredths"] if fee else FEE_NOT_TOLD,
            "words": sorted({word for text in told if text for word in words(text)}),
        },
    }


def fold(text: str) -> str:
    """Text as it is compared: without case, accents and doubled spaces ("José  ÁVILA" is "jose avila")."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def words(text: str) -> list[str]:
    """The folded words of a text, each cut to 40 characters."""
    return [word[:_LONGEST_WORD] for word in re.findall(r"\w+", fold(text))]


def _ranges(tag: str) -> list[str]:
    """The language ranges that a tag is matched by ("de-CH": "de", "de-ch"), RFC 4647 section 3.3.1."""
    parts = tag.lower().split("-")
    return ["-".join(parts[:count]) for count in range(1, len(parts) + 1)]


def window_problems(field: str, windows: Sequence[Document]) -> list[dict[str, str]]:
    """What is wrong with ``windows``, as the envelope's errors: one that ends before it begins, or overlaps."""
    problems: list[dict[str, str]] = []
    taken: dict[str | None, list[tuple[int, int]]] = {}
    for index, window in enumerate(windows):
        opens, closes = _minute(window["from"]), _minute(window["to"])
        of_day = taken.setdefault(window.get("weekday"), [])
        if opens >= closes:
            problems.append({"field": f"{field}.{index}.to", "message": "must be after from"})
        elif any(opens < other_closes and other_opens < closes for other_opens, other_closes in of_day):
            problems.append({"field": f"{field}.{index}.from", "message": "overlaps another window of that day"})
        else:
            of_day.append((opens, closes))
    return problems


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def with_override(overrides: Sequence[Document], override: Document, now: datetime) -> list[Document]:
    """The overrides with one date's set, in the order of dates.

    When there are 366, those of days that are over everywhere on earth make room. Raises TooManyOverrides if
    that is not enough.
    """
    kept = [item for item in overrides if item["date"] != override["date"]]
    if len(kept) >= MOST_OVERRIDES:
        # the last place on earth to end a day is twelve hours behind UTC
        oldest = (now - timedelta(hours=12)).date().isoformat()
        kept = [item for item in kept if item["date"] >= oldest]
    if len(kept) >= MOST_OVERRIDES:
        raise TooManyOverrides
    return sorted([*kept, override], key=lambda item: str(item["date"]))


def without_override(overrides: Sequence[Document], date: str) -> list[Document]:
    """The overrides without that date's. Raises OverrideNotFound if it has none."""
    kept = [item for item in overrides if item["date"] != date]
    if len(kept) == len(overrides):
        raise OverrideNotFound
    return kept
