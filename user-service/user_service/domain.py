"""Rules of accounts that need no I/O, clock or randomness."""

import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from chassis.clock import instant_text
from user_service.errors import AccountDeleted, AccountSuspended, NotDeleted, NotRecoverable


class Status(StrEnum):
    """How an account stands: only whoever is ACTIVE can sign in; who is DELETED can come back for a while."""

    ACTIVE = "ACTIVE"
    DELETED = "DELETED"
    SUSPENDED = "SUSPENDED"


class Role(StrEnum):
    """What a user may call."""

    PATIENT = "patient"
    DOCTOR = "doctor"
    ADMIN = "admin"


class DeletionReason(StrEnum):
    """Why somebody deletes the account."""

    NO_LONGER_NEEDED = "NO_LONGER_NEEDED"
    PRIVACY = "PRIVACY"
    SWITCHING = "SWITCHING"
    DISSATISFIED = "DISSATISFIED"
    OTHER = "OTHER"


def search_key(text: str) -> str:
    """The form in which names and addresses are compared: without case, whatever way an accent was typed."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def search_keys(name: str, email: str) -> list[str]:
    """What a user is found by: a prefix of either."""
    return [search_key(name), search_key(email)]


def difference(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The part of ``wanted`` that is not so already."""
    return {field: value for field, value in wanted.items() if present[field] != value}


def check_open(status: Status, scheduled_deletion_at: datetime | None) -> None:
    """Raises AccountSuspended, or AccountDeleted with the instant until which it can be recovered."""
    if status == Status.SUSPENDED:
        raise AccountSuspended
    if status == Status.DELETED:
        until = scheduled_deletion_at and instant_text(scheduled_deletion_at)
        raise AccountDeleted(data={"recoverableUntil": until})


def check_recoverable(status: Status, scheduled_deletion_at: datetime | None, now: datetime) -> None:
    """Raises AccountSuspended, NotDeleted, or NotRecoverable from the very instant that it was scheduled to go."""
    if status == Status.SUSPENDED:
        raise AccountSuspended
    if status != Status.DELETED or scheduled_deletion_at is None:
        raise NotDeleted
    if scheduled_deletion_at <= now:
        raise NotRecoverable


def begun_somewhere(day: date, now: datetime) -> bool:
    """Whether it is this day, or a later one, anywhere: the first zone to begin it is 14 hours before UTC."""
    return day <= (now + timedelta(hours=14)).date()
