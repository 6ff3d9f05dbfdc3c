"""Requests that carry an Idempotency-Key: each takes effect once, however often it is sent."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from pymongo.client_session import ClientSession

from appointment_service import errors
from appointment_service.service.deciding import decided
from appointment_service.store import RequestStore
from chassis.clock import new_id
from chassis.errors import AppError, Conflict
from chassis.mongo import Database, Document

KEPT = timedelta(hours=24)

LEASE = timedelta(seconds=15)
"""How long a request may run before another of its key takes it for dead: what it does in the database has 10 s."""

_REMEMBERED = frozenset({403, 404, 409, 410, 412})
"""Errors that are answers too, but for Conflict. After any other, the same request may well succeed: it runs anew."""

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Done:
    """What a request came to: its answer, and the ids of the people of whom the answer tells."""

    answer: Document
    people: Sequence[str]


class Requests:
    """Remembers for 24 hours what was answered to a request that carried an Idempotency-Key.

    The effect and its answer commit in one transaction, on condition that the key is still claimed by who runs it:
    whatever dies, and however late, there is one effect, and the answer to it.
    """

    def __init__(self, database: Database, *, requests: RequestStore, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._requests = requests
        self._now = clock

    def once(
        self,
        user_id: str,
        key: bytes,
        fingerprint: str,
        perform: Callable[[ClientSession], Done],
        counting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> tuple[Document, bool]:
        """(answer, whether it is an earlier one): of ``perform(session)``, or of who performed it before.

        An answer is {"status", "headers", "data"}, of an error also "code" and "message"; an error of ``perform``
        itself is raised. What is performed here, its commit included, is within ``counting``. Raises
        IdempotencyKeyReused where the key came with another fingerprint, and IdempotencyInProgress while another
        performs it.
        """
        identifier = sha256(sha256(user_id.encode()).digest() + key).hexdigest()
        for _ in range(_ATTEMPTS):
            claim, now = new_id(), self._now()
            request = {
                "_id": identifier,
                "people": [user_id],
                "fingerprint": fingerprint,
                "claim": claim,
                "leaseUntil": now + LEASE,
                "expiresAt": now + KEPT,
            }
            if self._requests.add(request):
                with counting():
                    return self._run(identifier, claim, user_id, perform), False
            held = self._requests.request(identifier)
            if held is None:
                continue
            if held["expiresAt"] <= now:
                self._requests.drop_expired(identifier, now)
                continue
            if held["fingerprint"] != fingerprint:
                raise errors.IdempotencyKeyReused
            if "answer" in held:
                return held["answer"], True
            if held["leaseUntil"] > now:
                raise errors.IdempotencyInProgress
            if self._requests.take_over(held, claim, now + LEASE):
                with counting():
                    return self._run(identifier, claim, user_id, perform), False
        raise errors.IdempotencyInProgress

    def erase(self, user_id: str, session: ClientSession) -> None:
        """Forget every answer that tells of a person."""
        self._requests.erase(user_id, session)

    def _run(self, identifier: str, claim: str, user_id: str, perform: Callable[[ClientSession], Done]) -> Document:
        def performed(session: ClientSession) -> Document:
            done = perform(session)
            people = sorted({user_id, *done.people})
            if not self._requests.answer(identifier, claim, people, done.answer, session):
                # taken for dead, and taken over: what was done here is undone
                raise errors.IdempotencyInProgress
            return done.answer

        try:
            return decided(self._database, performed)
        except AppError as error:
            if error.status not in _REMEMBERED or isinstance(error, Conflict):
                self._requests.release(identifier, claim)
                raise
            if not self._requests.answer(identifier, claim, [user_id], _told(error)):
                raise errors.IdempotencyInProgress from None
            raise
        except Exception:
            # where it is not known whether this was committed: if it was, the claim is over and there is an answer
            self._requests.release(identifier, claim)
            raise


def _told(error: AppError) -> Document:
    told = {"status": error.status, "code": error.code, "message": error.text, "headers": dict(error.headers)}
    return told | {"data": error.data}
