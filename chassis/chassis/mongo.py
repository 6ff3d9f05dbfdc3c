"""MongoDB as every service uses it: majority, journaled, explicit read concern, every operation bounded in time."""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response
from pymongo import MongoClient, WriteConcern, errors, timeout
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database as MongoDatabase
from pymongo.read_concern import ReadConcern

from chassis.errors import ServiceUnavailable
from chassis.web import failure

log = structlog.get_logger(__name__)

Document = dict[str, Any]
Result = TypeVar("Result")

OPERATION_SECONDS = 10
UNAVAILABLE = (errors.ConnectionFailure, errors.ExecutionTimeout, errors.WTimeoutError, errors.WaitQueueTimeoutError)
"""What the driver raises while the database is away or elects a primary."""


class Database:
    """One service's database.

    ``uri`` names the database in its path; if it names none, ``name`` is used. Writes wait for the majority's
    journal and reads see majority-committed data (w=1 lost acknowledged writes in primary kills: ADR 0003),
    whatever the URI's own options say.
    """

    def __init__(self, uri: str, name: str) -> None:
        self.client: MongoClient[Document] = MongoClient(
            uri,
            appname=name,
            tz_aware=True,
            w="majority",
            journal=True,
            readConcernLevel="majority",
            readPreference="primary",
            retryWrites=True,
            retryReads=True,
            serverSelectionTimeoutMS=5_000,
            connectTimeoutMS=5_000,
            timeoutMS=OPERATION_SECONDS * 1000,
        )
        self.db: MongoDatabase[Document] = self.client[urlsplit(uri).path.strip("/") or name]

    def __getitem__(self, collection: str) -> Collection[Document]:
        return self.db[collection]

    def transact(self, work: Callable[[ClientSession], Result]) -> Result:
        """Run ``work(session)`` in one transaction: all of its writes or none.

        The driver repeats ``work`` on transient conflicts, so it must do nothing that a rollback does not undo.
        Bounded by 10 s in all; the driver's own bound would be 120 s.
        """
        with timeout(OPERATION_SECONDS), self.client.start_session() as session:
            return session.with_transaction(
                work,
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority", j=True),
            )

    def ping(self) -> None:
        """Raises unless a writable primary answers within two seconds."""
        with timeout(2):
            if not self.client.admin.command("hello").get("isWritablePrimary"):
                raise errors.NotPrimaryError("no writable primary")

    def close(self) -> None:
        self.client.close()


def update_and_read(
    collection: Collection[Document],
    condition: Document,
    update: Document,
    *,
    upsert: bool = False,
    projection: Document | None = None,
    session: ClientSession | None = None,
) -> Document | None:
    """Update the document that meets the condition; the document as it is then, None if none met it.

    For documents about people, in place of ``find_one_and_update``: mongod writes that command to its log, with all
    that it would have stored, each time two writers conflict. Outside of a transaction the document read may hold
    a change that came after this one.
    """
    result = collection.update_one(condition, update, upsert=upsert, session=session)
    if not result.matched_count and result.upserted_id is None:
        return None
    return collection.find_one({"_id": condition["_id"]}, projection, session=session)


def answer_503_when_away(app: Flask) -> None:
    """Register the database's absence as 503 with Retry-After: it is never a 500."""

    def away(error: Exception) -> Response:
        log.warning("database away", error=repr(error))
        return failure(ServiceUnavailable())

    for kind in UNAVAILABLE:
        app.register_error_handler(kind, away)


def collided_index(error: errors.DuplicateKeyError) -> str:
    """The name of the unique index that refused a write."""
    message = str((error.details or {}).get("errmsg", error))
    return message.partition(" index: ")[2].partition(" ")[0]
