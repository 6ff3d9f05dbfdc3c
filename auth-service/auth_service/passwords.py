"""argon2id, away from gevent's loop."""

from collections.abc import Callable
from typing import TypeVar

import gevent
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from gevent import monkey

Result = TypeVar("Result")


class Passwords:
    """Hashes and verifies passwords: argon2id, 19 MiB, two passes, one lane (OWASP's cheat sheet, 2024)."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._nobody = self._hasher.hash("a password that nobody has")

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
        result: Result = gevent.get_hub().threadpool.apply(work)
        return result
    return work()
