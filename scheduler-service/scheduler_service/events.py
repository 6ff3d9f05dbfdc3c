"""What scheduler-service acts on, and what it publishes besides its receipts of erasure (chassis.tombstones)."""

from datetime import datetime
from typing import Annotated, Literal

from chassis import audit
from chassis.events import Event
from chassis.schemas import BRANCHES, EventData

SOURCE = "scheduler-service"


def job_started(run_id: str, admin_id: str) -> Event:
    """The audit's entry of a run that an admin asked for."""
    return audit.entry(SOURCE, "job.started", actor_id=admin_id, actor_role="admin", object_id=run_id)


class UserRegistered(EventData):
    user_id: str


class UserDeleted(EventData):
    user_id: str


class TokenRequested(EventData):
    """password-reset-requested and email-verification-requested carry the same; neither has the token."""

    user_id: str
    request_id: str


class PasswordChanged(EventData):
    user_id: str
    changed_at: datetime
    by: Literal["CHANGE", "RESET"]


class AppointmentAsTold(EventData):
    """In a snapshot: who did it is not told of how things are."""

    appointment_id: str
    doctor_id: str
    patient_id: str
    start: datetime
    timezone: str
    status: Annotated[str, BRANCHES]
    version: int


class AppointmentChanged(AppointmentAsTold):
    """Every appointment-* event: ``lapses_at`` is told of a request only, ``previous_start`` of a move, ``cause`` of a
    cancellation.
    """

    by: Annotated[str, BRANCHES]
    lapses_at: datetime | None = None
    previous_start: datetime | None = None
    cause: Annotated[str | None, BRANCHES] = None


class WaitlistOffered(EventData):
    entry_id: str
    patient_id: str
    start: datetime
    timezone: str
    expires_at: datetime
    version: int
