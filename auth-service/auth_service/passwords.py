"""argon2id, away from gevent's loop."""

import os
from collections.abc import Callable
from functools import cache, cached_property
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from gevent import monkey
from gevent.threadpool import ThreadPool

Result = TypeVar("Result")


class Passwords:
    """Hashes and verifies passwords: argon2id, 19 MiB, two passes, one lane (OWASP's cheat sheet, 2024)."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

    @cached_property
    def _nobody(self) -> str:
        # made when first needed: the processes that check no password spare its memory
        return self._hasher.hash("a password that nobody has")

    def hash(self, password: str) -> str:
        return _offload(lambda: self._hasher.hash(password))

    def verify(self, hashed: str | None, password: str) -> bool:
        """Whether they match. With no hash (an unknown account) the same work is done, and the answer is no."""

        def check() -> bool:
            try:
                return self._hasher.verify(hashed or self._nobody, password) and hashed is not None
            except (VerificationError, InvalidHashError):
                return False

        return _offload(check)


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
