"""Rules of reviews and ratings that need no I/O, clock or randomness."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

FORMER_PATIENT = "Former patient"
"""The author of a review whose patient or doctor was erased."""

STARS = (1, 2, 3, 4, 5)

USUAL_DAYS = 30
MOST_DAYS = 366
"""Of the admins' figures."""


class Sort(StrEnum):
    """The orders of a doctor's reviews; within the same rating the newest comes first."""

    RECENT = "recent"
    RATING = "rating"


def display_name(name: str) -> str:
    """First name and initial of the last: "Ann Lee" is shown as "Ann L.", and "Ann" as "Ann"."""
    words = name.split()
    if not words:
        return "Patient"
    initial = next((letter for letter in words[-1] if letter.isalpha()), "") if len(words) > 1 else ""
    return f"{words[0]} {initial.upper()}." if initial else words[0]


def average(total: int, count: int) -> float:
    """The mean of ``count`` ratings that sum up to ``total``, two decimals, halves up; 0 for none."""
    # in whole hundredths: 4.125 as a float would be rounded to the even 4.12
    return (200 * total + count) // (2 * count) / 100 if count else 0.0


def counted_stars(review: Mapping[str, Any]) -> int | None:
    """The stars that a review adds to its doctor's rating; None for one that is hidden or deleted, or whose doctor
    was erased.
    """
    if review.get("hidden") or review["doctorId"] is None:
        return None
    stars: int | None = review["rating"]
    return stars


def listed(*, moderation_status: str, visible: bool, active: bool) -> bool:
    """Whether the public may see a doctor."""
    return moderation_status == "APPROVED" and visible and active
