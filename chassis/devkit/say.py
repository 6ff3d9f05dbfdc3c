"""What people read: progress on stdout, and one line on stderr when something has to be done by them."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Failure(Exception):
    """Something the reader can act on; shown as one line, without a traceback."""


def line(text: str = "") -> None:
    print(text, flush=True)


def error(text: str) -> None:
    sys.stdout.flush()
    print(f"error: {text}", file=sys.stderr, flush=True)


def failures_of(work: Callable[[], int]) -> int:
    """The exit code that `work` returns; that of a Failure, which is told, is 1."""
    try:
        return work()
    except Failure as failure:
        error(str(failure))
        return 1


@contextmanager
def step(what: str) -> Iterator[None]:
    """Announce something that takes a while, and say how long it took."""
    started = time.monotonic()
    line(f"  .. {what}")
    yield
    line(f"  ok {what} ({seconds(started)})")


def seconds(since: float) -> str:
    return f"{time.monotonic() - since:.1f} s"
