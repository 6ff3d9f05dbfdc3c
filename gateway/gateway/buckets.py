"""How often each client asked lately: a table of fixed size that all workers of a gateway share.

Each entry is one number, the *theoretical arrival time* of the generic cell rate algorithm (ITU-T I.371): when its
bucket will be empty again. A client may ask while that is less than one window away.
"""

import mmap
import time
from dataclasses import dataclass

_ENTRIES = 65_536
_WAYS = 8
"""How many entries a key may be found in: who crowds one set out has to guess a keyed hash."""


@dataclass(frozen=True, slots=True)
class Quota:
    """``limit`` requests at once, and that many again in each ``seconds``."""

    limit: int
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Taken:
    """What a request found: whether it may pass, and what is left."""

    passes: bool
    limit: int
    remaining: int
    full_after: float
    """Seconds until the whole quota is there again."""
    again_after: float
    """Seconds until the next request passes; 0 where one does already."""


class Buckets:
    """Made before the workers are forked, so that all count in the same; never grows, and needs no sweeping.

    Two workers that count one client in the same microsecond may count once: a limit needs no lock. A set that is full
    forgets whoever is nearest to a whole quota, in favour of the client.
    """

    def __init__(self, entries: int = _ENTRIES) -> None:
        memory = memoryview(mmap.mmap(-1, 16 * entries))
        self._keys = memory[: 8 * entries].cast("q")
        self._empty_at = memory[8 * entries :].cast("d")
        self._sets = entries // _WAYS

    def take(self, kind: str, who: str, quota: Quota) -> Taken:
        """Count one request of ``who`` against its quota of a ``kind``, unless it is used up."""
        now = time.monotonic()  # of the machine, so the same for every worker
        # Python's own hash is keyed anew in each master, and the workers inherit the key
        key = hash((kind, who)) or 1
        at = self._find(key, now)
        step = quota.seconds / quota.limit
        before = max(self._empty_at[at], now) - now
        if before + step > quota.seconds:
            return Taken(False, quota.limit, 0, before, before + step - quota.seconds)
        self._keys[at] = key
        self._empty_at[at] = now + before + step
        after = before + step
        return Taken(True, quota.limit, int((quota.seconds - after) / step + 1e-6), after, 0.0)

    def _find(self, key: int, now: float) -> int:
        first = key % self._sets * _WAYS
        free, earliest = first, float("inf")
        for at in range(first, first + _WAYS):
            if self._keys[at] == key:
                return at
            if self._empty_at[at] < earliest:
                free, earliest = at, self._empty_at[at]
        self._empty_at[free] = now
        return free


SHARED = Buckets()
"""Imported by gunicorn's settings, in the master: the workers inherit it."""
