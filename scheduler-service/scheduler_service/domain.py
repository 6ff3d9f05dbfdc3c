"""Rules of jobs and mail that need no I/O, clock or randomness."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

LEASE = timedelta(seconds=120)
"""How long a worker may say nothing of a run or mail that it took before another may take it.

Longer than any one step: an RPC call waits 30 s, an SMTP command 10 s.
"""

GIVEN_UP_AFTER = timedelta(minutes=10)
"""A run that nobody began, or took over, within this time never will be: its message is lost."""

RUNS_KEPT = timedelta(days=30)
IDLE_RUNS_KEPT = timedelta(minutes=10)
MAILS_KEPT = timedelta(days=30)

MOST_ATTEMPTS = 8
PAUSE_WHILE_AWAY = timedelta(seconds=15)
_FIRST_PAUSE = timedelta(seconds=15)

NEWCOMER = timedelta(minutes=1)
"""A person who signed up this shortly ago may not be known to user-service yet."""


class RunStatus(StrEnum):
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
    BOOKED = "appointment-booked"
    CANCELLED = "appointment-cancelled"
    REVIEW = "review-invitation"
    RESET = "password-reset"
    VERIFY = "email-verification"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105  (the name of a mail)


CARRIES_TOKEN = frozenset({Template.RESET, Template.VERIFY})

FOR_ACTIVE_ONLY = frozenset({Template.WELCOME, Template.VERIFY, Template.REVIEW})
"""What is of no use to somebody whose account is deleted or suspended.

The rest goes to them all the same: a new password is what a recovery may need, and an appointment that was cancelled
with the account is news.
"""


def is_for(template: Template, account_status: str) -> bool:
    """Whether a person whose account is in that state is still to get such a mail."""
    return account_status == "ACTIVE" or template not in FOR_ACTIVE_ONLY


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
        Job("advance-appointments", "Completes appointments that are over, or marks them as no-shows."),
        Job("deliver-mail", "Sends the mail that is due.", keeps_idle_runs=False),
    )
}


def slot_of(instant: datetime, every_seconds: int) -> datetime:
    """The beginning of the slot of time that an instant is in; slots are counted from 1970, so all agree on them."""
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
