"""Events as CloudEvents 1.0 documents (https://github.com/cloudevents/spec), and who subscribes to which."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from chassis.clock import instant_text, new_id, now
from chassis.context import request_id
from chassis.tracing import HEADER, traceparent

Event = dict[str, Any]


def cloud_event(source: str, kind: str, subject: str, data: dict[str, Any]) -> Event:
    """An event of type ``kind`` about the aggregate ``subject``, published by the service ``source``.

    ``data`` is JSON-ready: instants as text. The id of the request that caused it rides along, and the
    span where this is traced.
    """
    event = {
        "specversion": "1.0",
        "id": new_id(),
        "source": source,
        "type": kind,
        "subject": subject,
        "time": instant_text(now()),
        "datacontenttype": "application/json",
        "data": data,
    }
    # attributes of the suite's own and of CloudEvents' distributed tracing extension
    causes = {"requestid": request_id(), HEADER: traceparent()}
    return event | {name: cause for name, cause in causes.items() if cause}


@cache
def broadcasts(contracts: Path) -> dict[str, dict[str, list[str]]]:
    """``contracts/broadcasts.json``: {consumer: {source: [event type, ...]}}, heard by each of its processes."""
    content: dict[str, dict[str, list[str]]] = json.loads((contracts / "broadcasts.json").read_text())
    return content


@cache
def subscriptions(contracts: Path) -> dict[str, dict[str, list[str]]]:
    """``contracts/subscriptions.json``: {consumer: {source: [event type, ...]}}."""
    content: dict[str, dict[str, list[str]]] = json.loads((contracts / "subscriptions.json").read_text())
    return content
