"""What scheduler-service asks of others: as a mail is sent, and as a job rings."""

from datetime import datetime
from typing import Annotated

from chassis.rpc import Question
from chassis.schemas import BRANCHES, EventData

RPC_SECONDS = 10.0
"""A service that hangs holds up the other jobs, and a worker that is told to stop: it ends its step first."""


class Contact(EventData):
    email: str
    name: str
    timezone: str | None
    status: Annotated[str, BRANCHES]


class Token(EventData):
    token: str
    expires_at: datetime


class AppointmentNow(EventData):
    status: Annotated[str, BRANCHES]
    version: int
    ics: str


CONTACT = Question("user-service", "contact", {"user_id": str}, Contact)
ONE_TIME_TOKEN = Question("auth-service", "one_time_token", {"token_request_id": str}, Token)
APPOINTMENT_NOW = Question(
    "appointment-service", "appointment_now", {"appointment_id": str, "user_id": str}, AppointmentNow
)


def _batch(service: str, method: str) -> Question:
    return Question(service, method, {"limit": int}, dict[str, int], seconds=RPC_SECONDS)


# what jobs ring for: each answers how much of what it did
PURGE_DUE_ACCOUNTS = _batch("user-service", "purge_due_accounts")
REANNOUNCE_LATE_ERASURES = _batch("user-service", "reannounce_late_erasures")
ADVANCE_DUE = _batch("appointment-service", "advance_due")
EXPIRE_OFFERS = _batch("appointment-service", "expire_offers")
