"""Rules of jobs and mail that need no I/O, clock or randomness."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

LEASE = timedelta(seconds=120)
"""How long a worker may say nothing of a run or mail that it took before another may take it.

Longer than any one step: an RPC call or an SMTP command waits 10 s.
"""

GIVEN_UP_AFTER = timedelta(minutes=10)
"""A run that nobody began, or took over, within this time never will be: its message is lost."""

MANY_FAILURES = 3
"""In a row; one may be a service that was just restarted."""

RUNS_KEPT = timedelta(days=30)
IDLE_RUNS_KEPT = timedelta(minutes=10)
MAILS_KEPT = timedelta(days=30)
HEARD_KEPT = timedelta(days=30)
"""Longer than an event can be on its way, which the inbox relies on too."""

MOST_ATTEMPTS = 8
PAUSE_WHILE_AWAY = timedelta(seconds=15)
PAUSE_OF_WHO_ASKED = timedelta(seconds=60)
"""Of the mail that found a service away: should that service fail over this very mail, the others go before it."""
_FIRST_PAUSE = timedelta(seconds=15)

NEWCOMER = timedelta(minutes=1)
"""A person who signed up this shortly ago may not be known to user-service yet."""


class RunStatus(StrEnum):
    """How far a run has come."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class MailStatus(StrEnum):
    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    DROPPED = "DROPPED"
    FAILED = "FAILED"


class Template(StrEnum):
    WELCOME = "welcome"
    REQUESTED = "appointment-requested"
    BOOKED = "appointment-booked"
    RESCHEDULED = "appointment-rescheduled"
    CANCELLED = "appointment-cancelled"
    REMINDER = "appointment-reminder"
    OFFERED = "waitlist-offered"
    REVIEW = "review-invitation"
    RESET = "password-reset"
    VERIFY = "email-verification"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105  (the name of a mail)


CARRIES_TOKEN = frozenset({Template.RESET, Template.VERIFY})

FOR_ACTIVE_ONLY = frozenset({Template.WELCOME, Template.VERIFY, Template.REVIEW, Template.REMINDER, Template.OFFERED})
"""What is of no use to somebody whose account is deleted or suspended.

The rest goes to them all the same: a new password is what a recovery may need, and an appointment that was cancelled
with the account is news.
"""


def is_for(template: Template, account_status: str) -> bool:
    """Whether a person whose account is in that state is still to get such a mail."""
    return account_status == "ACTIVE" or template not in FOR_ACTIVE_ONLY


def is_overtaken(template: Template, version: int, present_status: str, present_version: int) -> bool:
    """Whether a mail about that version of an appointment is not to be sent, given what the appointment is now.

    A reminder must be of the very version, and the appointment still to come: a newer one has its own reminders. An
    invitation to review stands as long as the outcome does. A cancellation is the end and stays true. Any other news
    is dropped once there is newer, which has a mail of its own.
    """
    if template is Template.REMINDER:
        return present_status != "BOOKED" or present_version != version
    if template is Template.REVIEW:
        return present_status != "COMPLETED"
    return template is not Template.CANCELLED and present_version > version


@dataclass(frozen=True, slots=True)
class Ahead:
    """A reminder to be made: due so many minutes before the start, of no use once the next one, or the start, is."""

    minutes: int
    due_at: datetime
    expires_at: datetime


def reminders_ahead(start: datetime, before_minutes: Iterable[int], now: datetime) -> list[Ahead]:
    """The reminders of an appointment whose time has not passed yet, the first first."""
    minutes = sorted(before_minutes, reverse=True)
    instants = [start - timedelta(minutes=before) for before in minutes]
    times = zip(minutes, instants, [*instants, start][1:], strict=True)
    return [Ahead(before, due, following) for before, due, following in times if due > now]


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    description: str
    keeps_idle_runs: bool = True


JOBS = {
    job.name: job
    for job in (
        Job("purge-accounts", "Erases deleted accounts whose recovery window has passed."),
        Job("chase-erasures", "Announces erasures again whose receipts are late."),
        Job(
            "advance-appointments", "Moves on what time has overtaken: appointments that are over, requests that lapse."
        ),
        Job("expire-offers", "Passes on offers of freed slots that nobody accepted in time.", keeps_idle_runs=False),
        Job("send-reminders", "Writes the reminders that are due.", keeps_idle_runs=False),
        Job("deliver-mail", "Sends the mail that is due.", keeps_idle_runs=False),
    )
}


def slot_of(instant: datetime, every_seconds: int) -> datetime:
    """The beginning of the slot of time that an instant is in; slots are counted from 1970, so all agree on them.

    The instant is the database's: hosts may disagree about it by minutes.
    """
    seconds = int(instant.timestamp())
    return datetime.fromtimestamp(seconds - seconds % every_seconds, UTC)


def kept_until(job: Job, *, scheduled: bool, result: dict[str, int | str] | None, now: datetime) -> datetime:
    """When the record of a finished run may go.

    A job that rings every few seconds mostly finds nothing to do, or can do nothing. Such a run holds its slot for ten
    minutes, longer than a message about it can be on its way, and goes; whatever did something, failed or was asked
    for stays.
    """
    idle = result is not None and not any(isinstance(count, int) and count for count in result.values())
    return now + (IDLE_RUNS_KEPT if scheduled and idle and not job.keeps_idle_runs else RUNS_KEPT)


def pause_after(attempts: int) -> timedelta:
    """How long a refused mail waits after its n-th attempt: 15 s, 45 s, 135 s, ... about 4.5 hours in all."""
    return _FIRST_PAUSE * 3 ** (attempts - 1)
