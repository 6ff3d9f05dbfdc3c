"""Time and identifiers, in the shapes that the databases keep."""

import secrets
import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, aware, in UTC, cut to the milliseconds that MongoDB stores."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def new_id() -> str:
    """A new opaque identifier: 32 hexadecimal digits that sort by the millisecond of their making.

    Rising identifiers keep index inserts at the right-hand edge; 80 random bits make them unguessable.
    """
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def instant_text(instant: datetime) -> str:
    """RFC 3339 in UTC with ``Z``, whole milliseconds: the one way instants are written in events."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
