"""The outbox in the document: an aggregate carries its unpublished events in its ``outbox`` array (ADR 0002).

A use case writes the change and ``announce(event)`` in one atomic update; the relay publishes and pulls.
"""

from collections.abc import Iterable
from typing import Any

from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.collection import Collection

from chassis.events import Event
from chassis.mongo import Document

FIELD = "outbox"
# `$exists` on the id inside is false for an empty array: a document leaves the index with its last event
PENDING: Document = {"outbox.id": {"$exists": True}}
INDEX = IndexModel([("outbox.id", ASCENDING)], name="outbox_pending", partialFilterExpression=PENDING)


def announce(*events: Event) -> dict[str, Any]:
    """The part of an update's ``$push`` that adds events to a document's outbox, in order."""
    return {FIELD: {"$each": list(events)}}


def pending(collection: Collection[Document], limit: int, held: Iterable[Any] = ()) -> list[Document]:
    """Up to ``limit`` documents with unpublished events, longest waiting first, without those in ``held``."""
    return list(
        collection.find({**PENDING, "_id": {"$nin": list(held)}}, {FIELD: 1})
        .sort("outbox.id", ASCENDING)
        .hint("outbox_pending")
        .limit(limit)
    )


def pull(collection: Collection[Document], published: dict[Any, list[str]]) -> None:
    """Remove published events: ``{document id: [event id, ...]}``."""
    collection.bulk_write(
        [
            UpdateOne({"_id": document}, {"$pull": {FIELD: {"id": {"$in": events}}}})
            for document, events in published.items()
        ],
        ordered=False,
    )
