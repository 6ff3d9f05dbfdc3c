"""The request id, carried through whatever one request, event or task causes."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog

HEADER = "X-Request-Id"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,128}")
_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def request_id() -> str | None:
    """The id of the request that is being served, None outside of one."""
    return _request_id.get()


def accept_or_make(offered: str | None) -> str:
    """The offered id if it is 1-128 letters, digits, dots, dashes or underscores; else a new one."""
    return offered if offered and _SANE.fullmatch(offered) else uuid.uuid4().hex


@contextmanager
def bound(identifier: str | None, **fields: str) -> Iterator[str]:
    """Within the block, log lines and events carry this id (and ``fields``, in log lines)."""
    value = accept_or_make(identifier)
    token = _request_id.set(value)
    try:
        with structlog.contextvars.bound_contextvars(request_id=value, **fields):
            yield value
    finally:
        _request_id.reset(token)
