"""The outbox in the document: an aggregate carries its unpublished events in its ``outbox`` array (ADR 0002).

A use case writes the change and ``announce(event)`` in one atomic update; the relay publishes and pulls.
"""

import time
from collections.abc import Iterable
from typing import Any

from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.collection import Collection

from chassis.events import Event
from chassis.mongo import Document

FIELD = "outbox"
MOST_EVENTS = 100
"""Of one document at a time: an aggregate that changed all day while the broker was away is not read whole."""
MOST_COUNTED = 10_000
# `$exists` on the id inside is false for an empty array: a document leaves the index with its last event
PENDING: Document = {"outbox.id": {"$exists": True}}
INDEX = IndexModel([("outbox.id", ASCENDING)], name="outbox_pending", partialFilterExpression=PENDING)


def announce(*events: Event) -> dict[str, Any]:
    """The part of an update's ``$push`` that adds events to a document's outbox, in order."""
    return {FIELD: {"$each": list(events)}}


def pending(
    collection: Collection[Document], limit: int, held: Iterable[Any] = (), held_kinds: Iterable[str | None] = ()
) -> list[Document]:
    """Up to ``limit`` documents with unpublished events, longest waiting first, with their first ``MOST_EVENTS``.

    Left out are those in ``held``, and those whose first event is of a kind in ``held_kinds`` (None: of none).
    """
    wanted = {**PENDING, "_id": {"$nin": list(held)}, f"{FIELD}.0.type": {"$nin": list(held_kinds)}}
    return list(
        collection.find(wanted, {"_id": 1, FIELD: {"$slice": MOST_EVENTS}})
        .sort("outbox.id", ASCENDING)
        .hint("outbox_pending")
        .limit(limit)
    )


def count_first(collection: Collection[Document], kind: str) -> int:
    """How many documents wait with an event of this kind before the others; counted to ten thousand."""
    wanted = {**PENDING, f"{FIELD}.0.type": kind}
    return collection.count_documents(wanted, limit=MOST_COUNTED, hint="outbox_pending")


def age(event_id: Any) -> float:
    """Seconds since an event's id was made, which it begins with (``chassis.clock.new_id``); 0 for any other id."""
    try:
        return max(0.0, time.time() - int(str(event_id)[:12], 16) / 1000)
    except ValueError:
        return 0.0


def pull(collection: Collection[Document], published: dict[Any, list[str]]) -> None:
    """Remove published events: ``{document id: [event id, ...]}``."""
    collection.bulk_write(
        [
            UpdateOne({"_id": document}, {"$pull": {FIELD: {"id": {"$in": events}}}})
            for document, events in published.items()
        ],
        ordered=False,
    )
