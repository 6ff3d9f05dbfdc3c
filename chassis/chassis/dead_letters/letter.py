"""A dead letter, as its headers and its body tell of it."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from chassis import amqp
from chassis.inbox import RETENTION

REDRIVABLE = RETENTION - timedelta(days=1)
"""How old an event may be that is put back. An inbox remembers an effect for 14 days: of an older one nobody can tell
whether it took effect; a day is left for the message to wait in its queue.
"""


@dataclass(frozen=True)
class Letter:
    """One message of a dead-letter queue."""

    id: str
    """The event's; for what has none a digest of the body: the same for each copy."""
    tag: int
    properties: Any
    body: bytes
    reason: str
    queue: str | None
    """Where it came from."""
    died: datetime | None
    happened: datetime | None
    """The event's own time."""
    kind: str | None
    redriven: int
    note: dict[str, Any]

    @property
    def since(self) -> datetime | None:
        """The earliest instant at which the event may have taken effect; None where nothing tells."""
        return min((at for at in (self.died, self.happened) if at), default=None)

    def is_too_old(self, now: datetime) -> bool:
        return self.since is None or now - self.since > REDRIVABLE


def read(tag: int, properties: Any, body: bytes) -> Letter:
    """Whatever it holds: a part that is not as it should be is None."""
    headers = properties.headers or {}
    event = _event(body)
    note = _note(headers)
    redriven = headers.get(amqp.REDRIVEN)
    kind = event.get("type")
    queue = note.get("queue")
    return Letter(
        id=amqp.event_id(event) or f"sha256-{hashlib.sha256(body).hexdigest()[:16]}",
        tag=tag,
        properties=properties,
        body=body,
        reason=str(note.get("reason") or "unknown"),
        queue=queue if isinstance(queue, str) else None,
        died=_instant(note.get("at")),
        happened=_instant(event.get("time")),
        kind=kind if isinstance(kind, str) else None,
        redriven=redriven if isinstance(redriven, int) else 0,
        note=note,
    )


def _event(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _note(headers: dict[str, Any]) -> dict[str, Any]:
    # the broker's own is newer where there are both: a consumer takes it away
    match headers.get("x-death"):
        case [{"reason": reason, "queue": queue, **more}, *_]:
            keys = more.get("routing-keys") or [None]
            told = {"rejected": "refused, the consumer could not say why", "delivery_limit": "delivered too often"}
            return {
                "reason": told.get(str(reason), str(reason)),
                "queue": queue,
                "exchange": more.get("exchange"),
                "routingKey": keys[0] if isinstance(keys, list) else None,
                "at": more.get("time"),
            }
    note = headers.get(amqp.DEAD_LETTER)
    return note if isinstance(note, dict) else {}


def _instant(value: Any) -> datetime | None:
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None
