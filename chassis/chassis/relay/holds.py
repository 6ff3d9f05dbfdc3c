"""What a relay holds back for a while, because it could not be published."""

import time
from datetime import datetime
from typing import Any

from chassis.clock import now

SECONDS = 30.0
MOST_DOCUMENTS = 1_000


class Holds:
    """Kinds of events that no queue takes, and documents whose next event cannot be sent as it is.

    Bounded whatever the backlog: kinds are few, and where there are too many broken documents of a kind, the kind is
    held in their place.
    """

    def __init__(self) -> None:
        self._kinds: dict[str | None, float] = {}
        self._documents: dict[tuple[str, Any], float] = {}
        self._since: dict[str, datetime] = {}

    def __bool__(self) -> bool:
        return bool(self._kinds or self._documents)

    def __len__(self) -> int:
        return len(self._kinds) + len(self._documents)

    @property
    def kinds(self) -> list[str | None]:
        return list(self._kinds)

    def documents(self, collection: str) -> list[Any]:
        """The ids of those held in a collection."""
        return [identifier for where, identifier in self._documents if where == collection]

    def release_due(self) -> None:
        """Let go whatever has been held for half a minute: it is to be tried again."""
        instant = time.monotonic()
        self._kinds = {kind: until for kind, until in self._kinds.items() if until > instant}
        self._documents = {document: until for document, until in self._documents.items() if until > instant}

    def hold_kind(self, kind: str) -> None:
        self._kinds[kind] = time.monotonic() + SECONDS
        self._since.setdefault(kind, now())

    def hold_document(self, collection: str, identifier: Any, kind: Any) -> None:
        if len(self._documents) < MOST_DOCUMENTS:
            self._documents[collection, identifier] = time.monotonic() + SECONDS
        else:
            self._kinds[kind if isinstance(kind, str) else None] = time.monotonic() + SECONDS

    def published(self, kind: str) -> bool:
        """A queue took an event of this kind; whether it was held until then."""
        return self._since.pop(kind, None) is not None

    def unroutable(self) -> dict[str, datetime]:
        """{kind: since when} of what no queue takes, as far as is known."""
        return dict(self._since)
