"""Paging by key: what comes after a key in a list that runs from the newest to the oldest."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from chassis.mongo import Document

Key = tuple[datetime, str]
"""(instant, id) of the last item of a page."""


def older(field: str, after: Key | None) -> dict[str, Any]:
    """The condition that a document comes after the key (``field``, id) when both fall."""
    if after is None:
        return {}
    instant, identifier = after
    alternatives: Sequence[Document] = [{field: {"$lt": instant}}, {field: instant, "_id": {"$lt": identifier}}]
    # the first bound is implied by the second and is what the index can use
    return {field: {"$lte": instant}, "$or": alternatives}
