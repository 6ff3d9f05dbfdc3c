"""The events that the gateway acts on: which sessions and accounts they end."""

from collections.abc import Callable
from datetime import datetime

from chassis.events import Event
from gateway.revocations import Revocations


def _session_revoked(event: Event, revocations: Revocations) -> None:
    sessions, until = event["data"]["sessionIds"], _seconds(event["data"]["until"])
    if not isinstance(sessions, list):
        raise TypeError("sessionIds is no list")
    revocations.end_sessions({_identifier(session_id): until for session_id in sessions})


def _account_closed(event: Event, revocations: Revocations) -> None:
    revocations.close_accounts({_identifier(event["data"]["userId"]): _seconds(event["time"])})


HANDLERS: dict[str, Callable[[Event, Revocations], None]] = {
    "session-revoked": _session_revoked,
    "user-deactivated": _account_closed,
    "user-suspended": _account_closed,
    "user-deleted": _account_closed,
}
"""By type. Each raises TypeError, KeyError or ValueError where an event is not what its contract says."""


def _identifier(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("an id is a text")
    return value


def _seconds(instant: str) -> float:
    moment = datetime.fromisoformat(instant)
    if moment.tzinfo is None:
        raise ValueError("an instant without its offset")
    return moment.timestamp()
