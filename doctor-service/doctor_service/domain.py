"""Rules of profiles, calendars and search that need no I/O, clock or randomness.

A doctor is the document that store.py describes; windows are ``{"from": "09:00", "to": "12:30"}``, in a week also
with their ``weekday``, in the wall-clock time of the doctor's zone, "24:00" being the end of the day.
"""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from doctor_service.errors import InvalidTransition, OverrideNotFound, TooManyOverrides

Document = dict[str, Any]

MOST_OVERRIDES = 366

FEE_NOT_TOLD = 2**53 - 1
"""Where a doctor without a fee stands in the order of fees: last."""

_LONGEST_WORD = 40
_LONGEST_BEGINNING = 12
_LONGEST_NAME = 50
"""As far as names are ordered by them: a cursor holds the name, and has its own length."""
_LOWEST_HALVES = 2
"""Nobody's average is lower, but for those without a rating."""


class Moderation(StrEnum):
    """How the admins see a profile; only what is APPROVED is listed."""

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


def next_available(doctor: Document, now: datetime) -> datetime | None:
    """When the doctor's next free slot starts; None if it has passed meanwhile, or nobody is taken now."""
    start: datetime | None = (doctor.get("nextAvailable") or {}).get("start")
    return start if start and start > now and doctor["accepting"] else None


def derived(doctor: Document) -> Document:
    """What is kept with a doctor only to be found by: ``listed`` and what ``search`` goes by."""
    clinic, fee = doctor["clinic"] or {}, doctor["fee"]
    begun = (doctor["name"], doctor["specialty"], clinic.get("city"), clinic.get("name"))
    search: Document = {
        "name": fold(doctor["name"])[:_LONGEST_NAME],
        "specialty": fold(doctor["specialty"]),
        "city": fold(clinic.get("city") or ""),
        "languages": sorted({part for tag in doctor["languages"] for part in _ranges(tag)}),
        "fee": fee["hundredths"] if fee else FEE_NOT_TOLD,
        "words": sorted({word for text in (*begun, doctor["bio"]) for word in words(text or "")}),
    }
    keys = {key for text in begun for word in words(text or "") for key in _beginnings(word)}
    keys |= {_beginning(word) for word in words(doctor["bio"] or "")}
    keys |= set(_facets(search["specialty"], search["city"]))
    keys |= {_language(part) for part in search["languages"]}
    keys |= {_rated(halves) for halves in range(_LOWEST_HALVES, math.floor(doctor["rating"]["average"] * 2) + 1)}
    keys.add(_accepting(doctor["accepting"]))
    return {
        "listed": doctor["moderationStatus"] == Moderation.APPROVED and doctor["visible"] and doctor["active"],
        "search": {**search, "keys": sorted(keys)},
    }


@dataclass(frozen=True, slots=True)
class Search:
    """What the public list is narrowed by; texts are folded, None and empty narrow nothing."""

    words: Sequence[str] = ()
    specialty: str | None = None
    city: str | None = None
    language: str | None = None
    accepting: bool | None = None
    min_rating: float | None = None

    def keys(self, *, rated: bool) -> list[str]:
        """The keys that all doctors found have among theirs, those that few are likely to have first.

        ``rated``: with one for the rating, rounded down to half stars; the rest is for the reader to check.
        """
        keys = _facets(self.specialty, self.city)[:1]
        keys += [_beginning(word) for word in sorted(self.words, key=len, reverse=True)]
        if self.language:
            keys.append(_language(self.language))
        if self.min_rating and rated:
            keys.append(_rated(max(math.floor(self.min_rating * 2), _LOWEST_HALVES)))
        if self.accepting is not None:
            keys.append(_accepting(self.accepting))
        return list(dict.fromkeys(keys))

    def long_words(self) -> list[str]:
        """The words that say more than their key does."""
        return [word for word in self.words if len(word) > _LONGEST_BEGINNING]


def _beginning(word: str) -> str:
    return f"w:{word[:_LONGEST_BEGINNING]}"


def _beginnings(word: str) -> list[str]:
    return [f"w:{word[:length]}" for length in range(1, min(len(word), _LONGEST_BEGINNING) + 1)]


def _facets(specialty: str | None, city: str | None) -> list[str]:
    """Both together first: each may be common, and the two are what most people ask for."""
    both = [f"sc:{specialty}\n{city}"] if specialty and city else []
    return both + ([f"s:{specialty}"] if specialty else []) + ([f"c:{city}"] if city else [])


def _language(part: str) -> str:
    return f"l:{part}"


def _rated(halves: int) -> str:
    """Of a doctor with at least so many half stars."""
    return f"r:{halves / 2:g}"


def _accepting(accepting: bool) -> str:
    return "a:yes" if accepting else "a:no"


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


def overrides_between(overrides: Sequence[Document], first: str | None, last: str | None) -> list[Document]:
    """The overrides of the dates from ``first`` to ``last``, both included; None leaves that end open."""
    return [item for item in overrides if (first or "") <= item["date"] <= (last or "9999-12-31")]
