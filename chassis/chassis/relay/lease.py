"""The relay's lease: of the relays of a service that run at once, one publishes (ADR 0020)."""

import os
import secrets
import socket
import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog
from pymongo import ReturnDocument, timeout
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, PyMongoError

from chassis.mongo import Database, Document

log = structlog.get_logger(__name__)

COLLECTION = "relay"
ID = "lease"
LEASE = timedelta(seconds=2)
RENEW_SECONDS = 0.5
_RELEASE_SECONDS = 2

Notes = dict[str, Document]


def noted(database: Database) -> Notes:
    """What the owner of the lease holds back, {kind: {since, count}}."""
    return _held(database[COLLECTION])


def _held(leases: Collection[Document]) -> Notes:
    found: dict[str, Any] = leases.find_one({"_id": ID}, {"held": 1}) or {}
    held: Notes = found.get("held", {})
    return held


class Lease:
    """One document: {_id: "lease", owner, until, held: {kind: {since, count}}}.

    ``until`` is by the database's clock alone. What the owner itself measures is only how long ago it asked. The lease
    saves work, it protects nothing: who publishes beside the owner makes copies, which the inboxes know.
    """

    def __init__(self, database: Database) -> None:
        self._leases = database[COLLECTION]
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._until = 0.0
        self._next = 0.0

    def keep(self) -> bool:
        """Take the lease or renew it, asking the database each half second; whether it is held at this moment."""
        asked = time.monotonic()
        if asked >= self._next:
            had = self._until
            self._next = asked + RENEW_SECONDS
            # counted from before the question: never longer than the database counts
            self._until = asked + LEASE.total_seconds() if self._take() else 0.0
            if bool(had) != bool(self._until):
                log.info("lease taken" if self._until else "lease lost", owner=self._owner)
        return time.monotonic() < self._until

    def release(self) -> None:
        """Let another relay take it at once; if the database does not answer, it runs out by itself."""
        held, self._until, self._next = self._until, 0.0, 0.0
        if held:
            with suppress(PyMongoError), timeout(_RELEASE_SECONDS):
                self._leases.update_one({"_id": ID, "owner": self._owner}, [{"$set": {"until": "$$NOW"}}])

    def note(self, held: Notes) -> None:
        """Show what the owner holds back, {kind: {since, count}}."""
        # literally: a kind may have dots
        self._leases.update_one({"_id": ID, "owner": self._owner}, [{"$set": {"held": {"$literal": held}}}])

    def noted(self) -> dict[str, datetime]:
        """Since when each kind is held back, as the owner before noted it."""
        return {kind: note["since"] for kind, note in _held(self._leases).items()}

    def _take(self) -> bool:
        end = {"$add": ["$$NOW", LEASE // timedelta(milliseconds=1)]}
        # Who is further ahead than a whole lease took it by the clock of another primary.
        taken = {"$and": [{"$gt": ["$until", "$$NOW"]}, {"$lte": ["$until", end]}]}
        mine = {"$or": [{"$eq": ["$owner", self._owner]}, {"$not": [taken]}]}
        taking = {"owner": {"$cond": [mine, self._owner, "$owner"]}, "until": {"$cond": [mine, end, "$until"]}}
        try:
            found = self._leases.find_one_and_update(
                {"_id": ID}, [{"$set": taking}], upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:
            # another made it at this moment
            return False
        return bool(found and found["owner"] == self._owner)
