"""Paging by key: a cursor is the sort key of the last item of a page, opaque to clients."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from chassis.schemas import invalid

_INSTANT = "$t"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNIT = timedelta(microseconds=1)
_LARGEST = 2**63 - 1


def encode_cursor(key: Sequence[Any]) -> str:
    """Text for a sort key of strings, numbers, booleans, None and instants."""
    # whole microseconds: seconds as a float would lose the last of them, and with it an item of the next page
    plain = [{_INSTANT: (value - _EPOCH) // _UNIT} if isinstance(value, datetime) else value for value in key]
    return base64.urlsafe_b64encode(orjson.dumps(plain)).rstrip(b"=").decode()


def decode_cursor(cursor: str, kinds: Sequence[type | tuple[type, ...]]) -> list[Any]:
    """The sort key in ``cursor``: one value of each of ``kinds``. Raises ValidationFailed for anything else.

    The kinds are checked because a cursor comes from outside: its values go into a query as values,
    never as operators.
    """
    try:
        plain = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(plain, list):
            raise ValueError("not a key")
        key = [_EPOCH + value[_INSTANT] * _UNIT if isinstance(value, dict) else value for value in plain]
    except (binascii.Error, ValueError, TypeError, KeyError, OverflowError, OSError):
        raise invalid("cursor", "is not a cursor of this list") from None
    if len(key) != len(kinds) or not all(_is(v, kind) for v, kind in zip(key, kinds, strict=True)):
        raise invalid("cursor", "is not a cursor of this list")
    return key


def _is(value: Any, kind: type | tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        # to Python a number too, to the database something else
        return bool in (kind if isinstance(kind, tuple) else (kind,))
    if isinstance(value, int) and not -_LARGEST - 1 <= value <= _LARGEST:
        # more than the database can hold
        return False
    return isinstance(value, kind)


def page(
    found: Sequence[dict[str, Any]],
    limit: int,
    key: Callable[[dict[str, Any]], Sequence[Any]],
    render: Callable[[dict[str, Any]], Any],
) -> dict[str, Any]:
    """A list's data from up to ``limit + 1`` documents: the one too many tells that there is a next page."""
    items = found[:limit]
    more = len(found) > limit
    return {
        "items": [render(document) for document in items],
        "nextCursor": encode_cursor(key(items[-1])) if more else None,
    }
