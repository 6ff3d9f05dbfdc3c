"""What the clients were answered: the only thing that the checker believes besides the database and the broker."""

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import Any


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An appointment as a client was told of it after its own request had succeeded."""

    action: str
    appointment: dict[str, Any]


@dataclass
class Ledger:
    """Thread-safe notes of every answer."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    answers: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    replayed: int = 0
    _lock: Lock = field(default_factory=Lock)

    def note(self, action: str, status: int, code: str | None) -> None:
        with self._lock:
            self.answers[action, status, code or ""] += 1

    def acknowledge(self, action: str, appointment: dict[str, Any]) -> None:
        with self._lock:
            self.acknowledged.append(Acknowledged(action, appointment))

    def surprise(self, what: str) -> None:
        with self._lock:
            self.surprises.append(what)

    def count_replay(self) -> None:
        with self._lock:
            self.replayed += 1
