"""What auth-service answers when it is called, and what it asks of others."""

from datetime import datetime
from typing import Literal

from chassis.rpc import Question
from chassis.schemas import EventData, Shape


class Token(Shape):
    """Of ``one_time_token``."""

    token: str
    expires_at: datetime


class Registration(Shape):
    user_id: str
    email: str
    name: str
    role: Literal["patient", "doctor", "admin"]
    registered_at: datetime


class Account(Registration):
    """Of ``snapshot_accounts``."""

    email_verified: bool


class Revocations(Shape):
    """Of ``/internal/revocations``: until when each session's access tokens may be out, in seconds since 1970."""

    sessions: dict[str, float]


class Session(Shape):
    """Of ``/internal/sessions/{id}``."""

    live: bool


INTERNAL = {"/internal/revocations": Revocations, "/internal/sessions/{id}": Session}
"""What the gateway may ask by HTTP."""


class Recovered(EventData):
    version: int


RECOVER_ACCOUNT = Question("user-service", "recover_account", {"user_id": str}, Recovered)
