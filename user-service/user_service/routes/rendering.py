"""What several routes need to read a key and to show a document."""

from collections.abc import Callable
from datetime import datetime

from chassis.api import Reply, etag
from chassis.mongo import Document
from chassis.paging import decode_cursor
from chassis.schemas import PageQuery, Shape


def versioned(document: Document, shape: type[Shape]) -> Reply:
    """A document in its shape, with its version as ``ETag``."""
    return Reply(shaped(shape)(document), headers=etag(document["version"]))


def shaped(shape: type[Shape]) -> Callable[[Document], Shape]:
    """How a document is shown in this shape."""
    return lambda document: shape.model_validate({**document, "id": document["_id"]})


def key(query: PageQuery) -> tuple[datetime, str] | None:
    """The (instant, id) of a list's cursor. Raises ValidationFailed."""
    if query.cursor is None:
        return None
    instant, identifier = decode_cursor(query.cursor, (datetime, str))
    return instant, identifier
