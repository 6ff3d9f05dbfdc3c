"""The lock of a database's migrations: a lease by the database's clock, for hosts' clocks may be minutes apart."""

import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread

import structlog
from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, PyMongoError

from chassis.mongo import Document

log = structlog.get_logger(__name__)

LOCK = "lock"
LEASE = timedelta(seconds=60)
WAIT_SECONDS = 120.0


class LockHeld(TimeoutError):
    """Another process migrates, and did not end for as long as one waits."""


class LockLost(TimeoutError):
    """This process did not renew its lease in time, and another took the lock."""


class Lock:
    """One document among the records: {_id: "lock", owner, expiresAt}."""

    def __init__(self, records: Collection[Document]) -> None:
        self._records = records
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"

    @contextmanager
    def held(self, wait_seconds: float | None = None) -> Iterator[None]:
        """Hold the lock, and renew its lease, until the end of the block. Raises LockHeld."""
        deadline = time.monotonic() + (WAIT_SECONDS if wait_seconds is None else wait_seconds)
        while not self._take():
            if time.monotonic() > deadline:
                raise LockHeld("another process holds the migration lock")
            time.sleep(0.1)
        done = Event()
        renewing = Thread(target=self._renew_until, args=(done,), name="migration-lock", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            done.set()
            renewing.join()
            self._records.delete_one({"_id": LOCK, "owner": self._owner})

    def renew(self) -> None:
        """Hold it for another lease. Raises LockLost."""
        mine = {"_id": LOCK, "owner": self._owner}
        if not self._records.update_one(mine, [{"$set": {"expiresAt": _lease_end()}}]).matched_count:
            raise LockLost("the migration lock was lost to another process")

    def holder(self) -> Document | None:
        """{owner, expiresAt} of whoever holds it now."""
        unexpired = {"$expr": {"$gt": ["$expiresAt", "$$NOW"]}}
        return self._records.find_one({"_id": LOCK, **unexpired}, {"_id": 0, "owner": 1, "expiresAt": 1})

    def _renew_until(self, done: Event) -> None:
        """A lease is short, so that a runner that died is soon followed; a step may be long."""
        while not done.wait(LEASE.total_seconds() / 3):
            try:
                self.renew()
            except (PyMongoError, LockLost) as error:
                log.warning("migration lock not renewed", error=repr(error))

    def _take(self) -> bool:
        # a missing instant, as in the document that an upsert makes, is less than any other
        free = {"$lt": ["$expiresAt", "$$NOW"]}
        taking = {
            "owner": {"$cond": [free, self._owner, "$owner"]},
            "expiresAt": {"$cond": [free, _lease_end(), "$expiresAt"]},
        }
        try:
            found = self._records.find_one_and_update(
                {"_id": LOCK}, [{"$set": taking}], upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:
            return False
        return found is not None and bool(found["owner"] == self._owner)


def _lease_end() -> Document:
    return {"$add": ["$$NOW", LEASE // timedelta(milliseconds=1)]}
