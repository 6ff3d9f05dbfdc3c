"""The outbox in the document: an aggregate carries its unpublished events in its ``outbox`` array (ADR 0002).

A use case writes the change and ``announce(event)`` in one atomic update; the relay publishes and pulls.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.collection import Collection

from chassis.events import Event
from chassis.mongo import Document

FIELD = "outbox"
NO_KIND = "(cannot be sent)"
"""Stands for the kind of an event that has none."""
# `$exists` on the id inside is false for an empty array: a document leaves the index with its last event
PENDING: Document = {"outbox.id": {"$exists": True}}
INDEX = IndexModel([("outbox.id", ASCENDING)], name="outbox_pending", partialFilterExpression=PENDING)


def announce(*events: Event) -> dict[str, Any]:
    """The part of an update's ``$push`` that adds events to a document's outbox, in order."""
    return {FIELD: {"$each": list(events)}}


def pending(
    collection: Collection[Document],
    limit: int,
    *,
    events: int,
    kinds: Sequence[str] = (),
    documents: Sequence[Any] = (),
) -> list[Document]:
    """Up to ``limit`` documents with unpublished events, longest waiting first, and the first ``events`` of each.

    Left out are those whose next event is one of ``kinds``, and ``documents`` by their ids.
    """
    where = dict(PENDING)
    if kinds:
        where["$nor"] = [_next_is(kind) for kind in kinds]
    if documents:
        where["_id"] = {"$nin": documents}
    return list(
        collection.find(where, {"_id": 1, FIELD: {"$slice": events}})
        .sort("outbox.id", ASCENDING)
        .hint("outbox_pending")
        .limit(limit)
    )


def count(collection: Collection[Document], kind: str, limit: int) -> int:
    """How many documents, up to ``limit``, have a next event of this kind."""
    return collection.count_documents({**PENDING, **_next_is(kind)}, hint="outbox_pending", limit=limit)


def oldest(collection: Collection[Document]) -> float | None:
    """When the longest waiting event was made, in seconds since 1970; None without one, or if its id does not tell."""
    for document in pending(collection, 1, events=1):
        with suppress(KeyError, TypeError, ValueError):
            # chassis.clock.new_id
            return int(document[FIELD][0]["id"][:12], 16) / 1000
    return None


def state(collection: Collection[Document], limit: int) -> tuple[int, int, float | None]:
    """(documents with unpublished events, up to ``limit``; how many events those hold; ``oldest``)."""
    found = collection.aggregate(
        [
            {"$match": PENDING},
            {"$limit": limit},
            {"$group": {"_id": None, "documents": {"$sum": 1}, "events": {"$sum": {"$size": f"${FIELD}"}}}},
        ],
        hint="outbox_pending",
    )
    counted = next(iter(found), {"documents": 0, "events": 0})
    return counted["documents"], counted["events"], oldest(collection) if counted["documents"] else None


def _next_is(kind: str) -> Document:
    return {"outbox.0.type": kind if kind != NO_KIND else {"$not": {"$type": "string"}}}


def pull(collection: Collection[Document], published: dict[Any, list[str]]) -> None:
    """Remove published events: ``{document id: [event id, ...]}``."""
    collection.bulk_write(
        [
            UpdateOne({"_id": document}, {"$pull": {FIELD: {"id": {"$in": events}}}})
            for document, events in published.items()
        ],
        ordered=False,
    )
