"""Bounded waiting for a condition: the only place that sleeps."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def holds_within(timeout: float, check: Callable[[], object], every: float = 0.05) -> bool:
    """Whether `check` becomes true within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not check():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every)
    return True


def eventually(check: Callable[[], T], timeout: float = 10, every: float = 0.05) -> T:
    """Call `check` until it returns something true, and return that; an assertion that fails in it counts as not yet.

    Nothing (None) is not yet either, so that a query which finds no document is never taken for success.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            answer = check()
            if answer:
                return answer
            reason = AssertionError(f"still {answer!r} after {timeout:g} s")
        except AssertionError as failed:
            reason = failed
        if time.monotonic() >= deadline:
            raise reason
        time.sleep(every)
