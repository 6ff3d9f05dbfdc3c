"""The events that the gateway acts on: which sessions and accounts they end."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, TypeAdapter

from chassis.events import Event
from chassis.schemas import EventData
from gateway.revocations import Revocations


class SessionRevoked(EventData):
    session_ids: list[str]
    until: AwareDatetime


class AccountClosed(EventData):
    """What user-deactivated, -suspended and -deleted tell: since when, the envelope says."""

    user_id: str


SHAPES: dict[str, type[EventData]] = {
    "session-revoked": SessionRevoked,
    "user-deactivated": AccountClosed,
    "user-suspended": AccountClosed,
    "user-deleted": AccountClosed,
}
"""What is read of each event's data, by type."""

_INSTANT = TypeAdapter[datetime](AwareDatetime)


def _session_revoked(event: Event, data: Any, revocations: Revocations) -> None:
    revocations.end_sessions(dict.fromkeys(data.session_ids, data.until.timestamp()))


def _account_closed(event: Event, data: Any, revocations: Revocations) -> None:
    revocations.close_accounts({data.user_id: _INSTANT.validate_python(event["time"]).timestamp()})


_EFFECTS: dict[type[EventData], Callable[[Event, Any, Revocations], None]] = {
    SessionRevoked: _session_revoked,
    AccountClosed: _account_closed,
}


def act_on(kind: str, event: Event, revocations: Revocations) -> None:
    """Take in what the event ends.

    Raises TypeError, KeyError or ValueError where it is not what the contract of its ``kind`` says.
    """
    shape = SHAPES[kind]
    _EFFECTS[shape](event, shape.model_validate(event["data"]), revocations)
