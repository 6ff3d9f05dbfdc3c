"""A stand-in for the services that projections are compared with: it answers as their snapshots would."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from chassis.errors import ServiceUnavailable


class Source:
    """What a source would tell now, ``items`` by id, and the ids that it ``erased``; in pages of ``size``.

    ``asked`` happens before each answer that tells of given ids: what comes in meanwhile.
    """

    def __init__(self, size: int = 2) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.erased: set[str] = set()
        self.size = size
        self.largest = 0
        self.away = 0
        self.asked: Callable[[Sequence[str]], None] = lambda ids: None

    def call(
        self, service: str, method: str, *, timeout: float = 5.0, after: str = "", ids: Iterable[str] | None = None
    ) -> dict[str, Any]:
        if self.away:
            self.away -= 1
            raise ServiceUnavailable
        if ids is not None:
            wanted = list(ids)
            answer = [self.items[one] for one in wanted if one in self.items]
            self.largest = max(self.largest, len(wanted))
            erased = sorted(self.erased & set(wanted))
            self.asked(wanted)
            return {"items": answer, "next": None, "erased": erased}
        beyond = sorted(one for one in self.items if one > after)
        some = beyond[: self.size]
        self.largest = max(self.largest, len(some))
        last = some[-1] if len(some) == self.size else None
        return {"items": [self.items[one] for one in some], "next": last, "erased": []}
