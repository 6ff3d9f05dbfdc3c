"""argon2id, away from gevent's loop."""

import ctypes
import os
import secrets
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION
from gevent import monkey
from gevent.threadpool import ThreadPool

Result = TypeVar("Result")

_M_MMAP_THRESHOLD = -3
_MEBIBYTE = 1 << 20


class Passwords:
    """Hashes and verifies passwords: argon2id, by default 19 MiB, two passes, one lane (OWASP's cheat sheet)."""

    def __init__(self, *, time_cost: int = 2, memory_kib: int = 19 * 1024, parallelism: int = 1) -> None:
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism)

        # made, not computed: even the first check against it is the one computation that it stands for
        salt, digest = (b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (16, 32))
        costs = f"m={memory_kib},t={time_cost},p={parallelism}"
        self.nobody = f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}"
        _give_memory_back()

    def hash(self, password: str) -> str:
        return _offload(lambda: self._hasher.hash(password))

    def verify(self, hashed: str | None, password: str) -> bool:
        """Whether they match. With no hash (an unknown account) the same work is done, and the answer is no."""

        def check() -> bool:
            try:
                return self._hasher.verify(hashed or self.nobody, password) and hashed is not None
            except (VerificationError, InvalidHashError):
                return False

        return _offload(check)

    def outdated(self, hashed: str) -> bool:
        """Whether a hash costs a guesser less than today's: in passes or in memory.

        One that costs more stays: nobody's hash gets weaker by signing in.
        """
        was = extract_parameters(hashed)
        return (
            was.type is not Type.ID
            or was.time_cost < self._hasher.time_cost
            or was.memory_cost < self._hasher.memory_cost
        )


def _give_memory_back() -> None:
    """Have what a hash was computed in go back to the system, 19 MiB for each thread.

    glibc by itself keeps more for the process with each such block that is freed: 120 MB resident after 60 hashes,
    82 MB with this (mallopt(3)). Another C library may lack it, and then keeps what it keeps.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MEBIBYTE)


def _offload(work: Callable[[], Result]) -> Result:
    # tens of milliseconds of computing would hold up every other request of a gevent worker
    if monkey.is_module_patched("threading"):
        result: Result = _pool().apply(work)
        return result
    return work()


@cache
def _pool() -> ThreadPool:
    # as many as there are cores compute at once, each in 19 MiB; the others wait, in memory that costs nothing
    return ThreadPool(os.cpu_count() or 1)
