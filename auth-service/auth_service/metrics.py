"""What auth-service counts: who comes, and who is refused."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter

from chassis.errors import AppError

SIGN_UPS = Counter("signups_total", "Accounts made.", ["role"])
LOG_INS = Counter("logins_total", "Sessions opened with a password.")
REFUSED = Counter("logins_refused_total", "Sign-ins refused, by the code of the answer.", ["code"])


@contextmanager
def signing_in() -> Iterator[None]:
    """Count what becomes of a sign-in, which is the block."""
    try:
        yield
    except AppError as error:
        REFUSED.labels(error.code).inc()
        raise
    LOG_INS.inc()
