"""What a relay holds back: kinds that no queue takes, and documents whose next event cannot be sent as it is."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis import outbox
from chassis.clock import now

HOLD_SECONDS = 30.0
MOST_DOCUMENTS = 1_000
DEFECTS = outbox.NO_KIND
"""The kind of events that have none; and, in notes, of all in held documents."""


@dataclass
class _Held:
    since: datetime
    until: float


class Holding:
    """Kinds are few and documents limited, so that neither memory nor queries grow with what is held.

    Whatever is held is tried again after half a minute; it is forgotten when a whole sweep did not meet it any more.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, _Held] = {}
        self._documents: dict[tuple[str, Any], float] = {}
        self._defects_since: datetime | None = None
        self._changed = False

    def __bool__(self) -> bool:
        return bool(self._kinds or self._documents)

    def inherit(self, since: dict[str, datetime]) -> None:
        """What the relay before held back: tried at once, and if it is held again, held since then."""
        self._defects_since = since.get(DEFECTS)
        for kind, instant in since.items():
            self._kinds[kind] = _Held(instant, 0.0)
        self._changed = bool(since)

    def hold_kind(self, kind: str) -> bool:
        """Hold back documents whose next event is of this kind; whether that is not so already."""
        if self.holds(kind):
            return False
        held = self._kinds.setdefault(kind, _Held(now(), 0.0))
        held.until = time.monotonic() + HOLD_SECONDS
        self._changed = True
        return True

    def hold_document(self, collection: str, document: Any) -> bool:
        """Hold back one document; False if there are too many."""
        if len(self._documents) >= MOST_DOCUMENTS and (collection, document) not in self._documents:
            return False
        self._documents[collection, document] = time.monotonic() + HOLD_SECONDS
        self._defects_since = self._defects_since or now()
        self._changed = True
        return True

    def holds(self, kind: str) -> bool:
        held = self._kinds.get(kind)
        return held is not None and held.until > time.monotonic()

    def kinds(self) -> list[str]:
        """Those that are not to be tried yet."""
        return [kind for kind in self._kinds if self.holds(kind)]

    def documents(self, collection: str) -> list[Any]:
        """Those of a collection that are not to be tried yet."""
        present = time.monotonic()
        return [
            document for (where, document), until in self._documents.items() if where == collection and until > present
        ]

    def swept(self, began: float) -> bool:
        """Forget what a whole sweep since ``began`` could have met and did not; whether anything is to be noted."""
        kinds = {kind: held for kind, held in self._kinds.items() if held.until > began}
        documents = {document: until for document, until in self._documents.items() if until > began}
        changed = self._changed or len(kinds) != len(self._kinds) or len(documents) != len(self._documents)
        self._kinds, self._documents, self._changed = kinds, documents, False
        if not documents:
            self._defects_since = None
        return changed

    def notes(self, count: Callable[[str], int]) -> dict[str, dict[str, Any]]:
        """{kind: {since, count}} of all that is held."""
        told: dict[str, dict[str, Any]] = {
            kind: {"since": held.since, "count": count(kind)} for kind, held in self._kinds.items()
        }
        if self._documents:
            same = told.get(DEFECTS, {"count": 0})
            told[DEFECTS] = {"since": self._defects_since, "count": len(self._documents) + same["count"]}
        return told
