"""MongoDB as every service uses it: majority, journaled, explicit read concern, every operation bounded in time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import randrange
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pymongo import MongoClient, WriteConcern, errors, timeout
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database as MongoDatabase
from pymongo.monitoring import (
    TopologyClosedEvent,
    TopologyDescriptionChangedEvent,
    TopologyListener,
    TopologyOpenedEvent,
)
from pymongo.read_concern import ReadConcern

Document = dict[str, Any]
Result = TypeVar("Result")

OPERATION_SECONDS = 10
PATIENCE_SECONDS = 5
"""How long a primary is waited for."""

MARKS = "marks"
"""The collection of the writes that wait for the majority and mean nothing else."""
_MARKS = 16
_AWAY_LABELS = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError", "RetryableError")
# What a member answers that stops, steps down, starts, has just lost its cursors and transactions, or is too busy; by
# name in MongoDB's list of error codes.
_AWAY_CODES = frozenset(
    {
        *(11600, 91),  # InterruptedAtShutdown, ShutdownInProgress
        *(10107, 13435, 13436, 11602, 189),  # not the primary, or not any more
        *(94, 133, 134),  # NotYetInitialized, FailedToSatisfyReadPreference, ReadConcernMajorityNotAvailableYet
        *(6, 7, 89, 202, 9001, 317, 384),  # another member cannot be reached
        *(24, 46, 50, 64, 262, 290),  # a lock, the operation, the majority or the transaction took too long
        *(11601, 43, 175, 237),  # the operation, its cursor or its plan was ended by somebody else
        *(112, 239, 246, 251, 267),  # conflicts and lost snapshots that were still there after the driver's retries
    }
)


class Database:
    """One service's database.

    ``uri`` names the database in its path; if it names none, ``name`` is used. Writes wait for the majority's
    journal and reads see majority-committed data (w=1 lost acknowledged writes in primary kills: ADR 0003),
    whatever the URI's own options say.
    """

    def __init__(self, uri: str, name: str) -> None:
        self._absence = _Absence()
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
            timeoutMS=OPERATION_SECONDS * 1000,
            # an election is waited for, but not by ever more requests
            serverSelectionTimeoutMS=PATIENCE_SECONDS * 1000,
            # A primary that is frozen or cut off keeps its connections. The driver's monitor gives it up after the sum
            # of these and lets what waits for it go to its successor; the defaults are 10 s and 20 s.
            heartbeatFrequencyMS=2_000,
            connectTimeoutMS=3_000,
            event_listeners=[self._absence],
        )
        self.db: MongoDatabase[Document] = self.client[urlsplit(uri).path.strip("/") or name]
        self._caught_up: object = None

    def __getitem__(self, collection: str) -> Collection[Document]:
        return self.db[collection]

    def transact(self, work: Callable[[ClientSession], Result]) -> Result:
        """Run ``work(session)`` in one transaction: all of its writes or none.

        The driver repeats ``work`` on transient conflicts, so it must do nothing that a rollback does not undo.
        Bounded by 10 s in all; the driver's own bound would be 120 s. What ``work`` raises because of what it saw is
        raised only once the majority has seen it, too (ADR 0028).
        """
        with timeout(OPERATION_SECONDS), self.client.start_session() as session:
            before = self.election
            try:
                return session.with_transaction(
                    work,
                    read_concern=ReadConcern("snapshot"),
                    write_concern=WriteConcern("majority", j=True),
                )
            except Exception as error:
                if not isinstance(error, errors.PyMongoError) or isinstance(error, errors.DuplicateKeyError):
                    self._await_majority()
                    self._check_same(before)
                raise

    @contextmanager
    def steady(self) -> Iterator[None]:
        """What is read in between is nothing less than what was acknowledged before; AutoReconnect if it may be."""
        before = self.catch_up()
        try:
            yield
        finally:
            self._check_same(before)

    def catch_up(self) -> object:
        """The ``election`` in force, once its primary shows all that was acknowledged before.

        It has all of it, but reads with the concern ``majority`` miss the latest until a majority follows it.

        Raises AutoReconnect at once if there has been no primary for PATIENCE_SECONDS: of an outage that lasts,
        requests must not gather that all wait in vain. The driver's monitor looks for one every two seconds.
        """
        # the listener hears of a primary up to a second later than the driver knows it
        if self._absence.seconds() > PATIENCE_SECONDS and not self.client.topology_description.has_writable_server():
            raise errors.AutoReconnect("no primary for seconds")
        election = self.election
        if election != self._caught_up:
            self._await_majority()
            self._caught_up = election
        return election

    @property
    def election(self) -> object:
        """Tells one primary's time in office from another's, as far as the driver has heard."""
        if self.client.topology_description.max_election_id is None:
            # nothing was asked yet, so the driver has not looked
            self.client.admin.command("ping")
        return self.client.topology_description.max_election_id

    def _await_majority(self) -> None:
        """Return when all that the primary holds now is on a majority, or raise as the database is away.

        A write that a majority has follows everything that the primary held before it. A linearizable read says the
        same, but does not hurry the journal, which may be flushed 100 ms later.
        """
        # one of a few, so that many at once do not wait for one another
        self.db[MARKS].update_one({"_id": randrange(_MARKS)}, {"$inc": {"count": 1}}, upsert=True)

    def _check_same(self, before: object) -> None:
        if self.election != before:
            raise errors.AutoReconnect("another primary was elected meanwhile")

    def ping(self) -> None:
        """Raises unless a writable primary answers within two seconds."""
        with timeout(2):
            if not self.client.admin.command("hello").get("isWritablePrimary"):
                raise errors.NotPrimaryError("no writable primary")

    def close(self) -> None:
        self.client.close()


class _Absence(TopologyListener):
    """For how long the driver has known of no primary."""

    def __init__(self) -> None:
        self._since: float | None = None

    def seconds(self) -> float:
        # read once: the driver's threads write it
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def opened(self, event: TopologyOpenedEvent) -> None:
        self._since = time.monotonic()

    def description_changed(self, event: TopologyDescriptionChangedEvent) -> None:
        if event.new_description.has_writable_server():
            self._since = None
        elif self._since is None:
            self._since = time.monotonic()

    def closed(self, event: TopologyClosedEvent) -> None:
        """Nothing is asked any more."""


class DatabaseClock:
    """The present instant by the database's clock, which is one for all hosts; theirs may be minutes apart.

    Asked every ten seconds; in between this process counts on. Raises PyMongoError while the database is away.
    """

    _ASKED_AGAIN_AFTER_SECONDS = 10.0

    def __init__(self, database: Database) -> None:
        self._database = database
        # one attribute, so that no thread counts from half of an answer
        self._told = datetime.min.replace(tzinfo=UTC), float("-inf")

    def __call__(self) -> datetime:
        told, at = self._told
        counted = time.monotonic() - at
        if counted > self._ASKED_AGAIN_AFTER_SECONDS:
            told = self._database.client.admin.command("hello")["localTime"].replace(tzinfo=UTC)
            self._told, counted = (told, time.monotonic()), 0.0
        instant = told + timedelta(seconds=counted)
        return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


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


def is_away(error: BaseException) -> bool:
    """Whether the error only says that the database is away, electing or too busy: the same again may succeed.

    Nothing is known to be wrong with what was asked. Whether a write took effect is not known either: with the
    majority unreachable it may stand or be rolled back.
    """
    if not isinstance(error, errors.PyMongoError) or isinstance(error, errors.DuplicateKeyError):
        return False
    if isinstance(error, errors.BulkWriteError):
        refused = [*error.details.get("writeErrors", ()), *error.details.get("writeConcernErrors", ())]
        # one write of the bulk that is wrong in itself will be wrong again
        return bool(refused) and all(each.get("code") in _AWAY_CODES for each in refused)
    return (
        isinstance(error, errors.ConnectionFailure)
        or error.timeout
        or any(error.has_error_label(label) for label in _AWAY_LABELS)
        or getattr(error, "code", None) in _AWAY_CODES
    )


def collided_index(error: errors.DuplicateKeyError) -> str:
    """The name of the unique index that refused a write."""
    message = str((error.details or {}).get("errmsg", error))
    return message.partition(" index: ")[2].partition(" ")[0]
