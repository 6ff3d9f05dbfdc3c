"""The collection of requests that carry an Idempotency-Key."""

from contextlib import suppress
from contextvars import Context
from datetime import datetime

from pymongo import timeout
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError, PyMongoError

from appointment_service.store.indexes import REQUESTS
from chassis.mongo import Database, Document

_RELEASE_SECONDS = 1


class RequestStore:
    """The only place that talks to it."""

    def __init__(self, database: Database) -> None:
        self._requests = database[REQUESTS]

    def add(self, request: Document) -> bool:
        """Insert a request that begins to run; False if there is one of its id."""
        try:
            self._requests.insert_one(request)
        except DuplicateKeyError:
            return False
        return True

    def request(self, identifier: str) -> Document | None:
        return self._requests.find_one({"_id": identifier})

    def drop_expired(self, identifier: str, now: datetime) -> None:
        """Delete a request whose time is up and that the TTL index has not come to yet."""
        self._requests.delete_one({"_id": identifier, "expiresAt": {"$lte": now}})

    def take_over(self, held: Document, claim: str, lease_until: datetime) -> bool:
        """Claim a request whose process died; False if it is not as it was found to be."""
        condition = {"_id": held["_id"], "claim": held["claim"]}
        update = {"$set": {"claim": claim, "leaseUntil": lease_until}}
        return bool(self._requests.update_one(condition, update).matched_count)

    def answer(
        self, identifier: str, claim: str, people: list[str], answer: Document, session: ClientSession | None = None
    ) -> bool:
        """Store the answer of a request that runs under this claim, and end the claim; False if it does not."""
        update = {"$set": {"people": people, "answer": answer}, "$unset": {"claim": "", "leaseUntil": ""}}
        condition = {"_id": identifier, "claim": claim}
        return bool(self._requests.update_one(condition, update, session=session).matched_count)

    def release(self, identifier: str, claim: str) -> None:
        """Forget a request that runs under this claim; where the database is away, its lease will end instead."""
        # a bound of its own: that of the request may have passed, and nothing nested in it can be longer
        Context().run(self._release, {"_id": identifier, "claim": claim})

    def _release(self, claimed: Document) -> None:
        with suppress(PyMongoError), timeout(_RELEASE_SECONDS):
            self._requests.delete_one(claimed)

    def erase(self, user_id: str, session: ClientSession) -> None:
        """Delete every request whose answer tells of this person."""
        self._requests.delete_many({"people": user_id}, hint="of_people", session=session)
