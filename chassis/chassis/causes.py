"""What caused something that is done later, such as a mail: kept with it, and taken up again as it is done."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog

from chassis import context, tracing

Cause = dict[str, str]


def present() -> Cause:
    """{requestId, eventId, traceparent} of what is being done now, as far as it has them."""
    known = {
        "requestId": context.request_id(),
        "eventId": structlog.contextvars.get_contextvars().get("event_id"),
        "traceparent": tracing.traceparent(),
    }
    return {name: value for name, value in known.items() if value}


@contextmanager
def taken_up(cause: Mapping[str, str], doing: str) -> Iterator[None]:
    """Within the block, log lines, calls and events carry the ids of ``cause``, and the span ``doing`` is its child.

    Without a cause they carry those of what is being done anyway.
    """
    event = {"event_id": cause["eventId"]} if "eventId" in cause else {}
    with (
        context.bound(cause.get("requestId") or context.request_id(), **event),
        tracing.span(doing, "internal", cause.get("traceparent")),
    ):
        yield
