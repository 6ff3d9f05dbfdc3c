"""Reading and writing many documents some at a time.

Each batch that is written waits for the majority, and none holds the collection.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from pymongo import ASCENDING, DeleteOne, UpdateOne
from pymongo.collection import Collection

from chassis.mongo import Document

BATCH = 1_000


def read_in_batches(
    collection: Collection[Document], condition: Document, fields: Mapping[str, int]
) -> Iterator[Document]:
    """``find``, with few documents in memory: left to itself the server gives 16 MiB of them, five times that here."""
    return iter(collection.find(condition, fields, batch_size=BATCH))


def update_in_batches(collection: Collection[Document], condition: Document, update: Document | list[Document]) -> int:
    """``update_many``, in batches; the number of documents that met the condition.

    The condition is asked again by the write, so a document that changed in between is left alone.
    """
    met = 0
    beyond: Document = {}
    while True:
        found = collection.find({"$and": [condition, beyond]}, {"_id": 1}).sort("_id", ASCENDING).hint("_id_")
        ids: list[Any] = [document["_id"] for document in found.limit(BATCH)]
        if not ids:
            return met
        met += collection.update_many({"$and": [condition, {"_id": {"$in": ids}}]}, update).matched_count
        beyond = {"_id": {"$gt": ids[-1]}}


def write_in_batches(collection: Collection[Document], writes: Iterable[UpdateOne | DeleteOne]) -> int:
    """Each of the writes, in batches and no order; the number of documents that changed or went."""
    changed = 0
    remaining = iter(writes)
    while batch := list(islice(remaining, BATCH)):
        done = collection.bulk_write(batch, ordered=False)
        changed += done.modified_count + done.deleted_count
    return changed
