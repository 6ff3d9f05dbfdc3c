"""What a service would announce now, told by RPC to whoever keeps a copy of it (chassis.projections, ADR 0022)."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from pymongo import ASCENDING

from chassis.mongo import Database, Document
from chassis.outbox import FIELD
from chassis.schemas import Shape
from chassis.tombstones import Tombstones

PAGE = 500
"""The most documents that one answer is made of; it bounds the memory of both sides and the time of a call."""


Item = TypeVar("Item")


class Told(Shape, Generic[Item]):
    """An answer: items in the order of their ids."""

    items: list[Item]
    next: str | None
    erased: list[str]


class Snapshot:
    """What a collection's documents would be announced as now, in the order of their ids.

    ``tell`` makes an event's data of a document, None of one that is not announced.
    """

    def __init__(self, database: Database, collection: str, tell: Callable[[Document], Document | None]) -> None:
        self._documents = database[collection]
        self._tombstones = Tombstones(database)
        self._tell = tell

    def page(self, after: str = "", limit: int = PAGE, ids: Sequence[str] | None = None) -> dict[str, Any]:
        """{items, next, erased}: data of the documents of these ids, or of the next ``limit`` beyond the id ``after``.

        ``next`` is the id to go on after, None at the end. ``erased`` are those of ``ids`` that were erased for good.
        """
        size = max(1, min(limit, PAGE))
        where: Document = {"_id": {"$gt": after}} if ids is None else {"_id": {"$in": list(ids)[:PAGE]}}
        # not filtered by what is told: each call reads no more than it may, however little there is to tell
        found = list(self._documents.find(where, {FIELD: 0}).sort("_id", ASCENDING).limit(size if ids is None else 0))
        known = {document["_id"] for document in found}
        return {
            "items": [data for document in found if (data := self._tell(document)) is not None],
            "next": found[-1]["_id"] if ids is None and len(found) == size else None,
            "erased": [one for one in (ids or ()) if one not in known and self._tombstones.holds(one)],
        }
