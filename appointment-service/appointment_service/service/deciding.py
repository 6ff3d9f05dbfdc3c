"""Transactions that are about to hold time for somebody, and may find it taken."""

from collections.abc import Callable
from typing import TypeVar

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from chassis.errors import Conflict
from chassis.mongo import Database

_ATTEMPTS = 5
Result = TypeVar("Result")


def decided(database: Database, work: Callable[[ClientSession], Result]) -> Result:
    """The result of ``work`` in one transaction; again where somebody took the time that it was about to hold.

    MongoDB 6 tells of a key that came after the transaction's snapshot as a conflict, which the driver repeats by
    itself. Were it told as a duplicate, that would end the transaction too, and the next one sees who was faster.
    Raises Conflict after five attempts.
    """
    for _ in range(_ATTEMPTS):
        try:
            return database.transact(work)
        except DuplicateKeyError:
            continue
    raise Conflict
