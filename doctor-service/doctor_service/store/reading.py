"""Reading a list in an index's order, from any place on."""

from collections.abc import Sequence
from typing import Any

from pymongo import ASCENDING
from pymongo.collection import Collection

from chassis.mongo import Document

Order = list[tuple[str, int]]
"""The fields that a list is ordered by, the last of them unlike for any two documents."""


def in_order(
    collection: Collection[Document],
    condition: Document,
    order: Order,
    after: Sequence[Any] | None,
    limit: int,
    *,
    index: str,
    shown: Document | None = None,
) -> list[Document]:
    """Up to ``limit`` documents behind the place ``after``, which need not be any document's place any more.

    What is behind a place is as many stretches of the index as the order has fields. Each is read by a query of its
    own, if it is needed: asked for all of them by one ``$or``, the planner may read the list from its beginning.
    """
    found: list[Document] = []
    for stretch in _behind(order, after) if after is not None else [{}]:
        wanted = {"$and": [condition, stretch]} if condition else stretch
        found += collection.find(wanted, shown).sort(order).hint(index).limit(limit - len(found))
        if len(found) == limit:
            break
    return found


def _behind(order: Order, place: Sequence[Any]) -> list[Document]:
    """The stretches behind a place, nearest first."""
    stretches = []
    for count, (field, direction) in reversed(list(enumerate(order))):
        same = {before: value for (before, _), value in zip(order[:count], place[:count], strict=True)}
        beyond = "$gt" if direction == ASCENDING else "$lt"
        stretches.append({**same, field: {beyond: place[count]}})
    return stretches
