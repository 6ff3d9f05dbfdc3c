"""Brings a database to the state that the code needs, or back; any number of processes may start at once."""

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Thread

import structlog
from pymongo import timeout
from pymongo.errors import PyMongoError

from chassis.migrations import indexes as index
from chassis.migrations.lock import Lock, LockHeld, LockLost
from chassis.migrations.modules import Migration, migrations_in
from chassis.migrations.records import COLLECTION, Records
from chassis.mongo import Database, Document, is_away

log = structlog.get_logger(__name__)

LONGEST = timedelta(minutes=30)
"""What one run may take in all: an index over many documents takes longer than any operation of a request."""

ROLLOUT = timedelta(days=1)
"""For how long after a migration processes of the version before may still be writing."""

_FIRST_PAUSE = 60.0
_LONGEST_PAUSE = 3_600.0
_ATTEMPTS = 20
_ALARM = "MigrationFailed"


class MigrationFailed(Exception):
    """A migration raised; the message says which and where, and no document's values."""


class NotOurs(ValueError):
    """What is to be taken back is not this version's to take back, or not known to it."""


@dataclass(frozen=True)
class Status:
    """``pending``: what this code has and is not in force; ``unknown``: what is in force and a newer version's."""

    records: dict[str, Document]
    pending: Sequence[str]
    unknown: Sequence[str]
    holder: Document | None
    missing: Sequence[str]
    undeclared: Sequence[str]


class Migrator:
    def __init__(self, database: Database, package: str, indexes: index.Indexes) -> None:
        self._database = database
        self._records = Records(database[COLLECTION])
        self._lock = Lock(database[COLLECTION])
        self._migrations = migrations_in(package)
        self._names = [migration.name for migration in self._migrations]
        self._indexes = indexes

    def up(self) -> list[str]:
        """Run what is pending and make the indexes; returns the names that ran here (none: another did it).

        Raises MigrationFailed, IndexRefused, LockHeld or LockLost; what ran before stays, and another run goes on.
        """
        if not self.pending() and not index.missing(self._database, self._indexes):
            return []
        with self._locked():
            ran = [migration for migration in self._migrations if migration.name in self.pending()]
            for migration in ran:
                self._run(migration, "forward", migration.module.forward, during="applying", after="applied")
            # afterwards: a migration can make the data fit for a new unique index, or drop an index that changed
            self._make_indexes()
        return [migration.name for migration in ran]

    def down(self, target: str | None = None) -> list[str]:
        """Take back the newest migration, or all after ``target`` (a name, or a number); returns their names.

        Raises NotOurs if a newer version's is in force, or nothing is called ``target``; else what ``up`` raises.
        """
        if target is not None and target != "000" and target not in {*self._names, *(n[:3] for n in self._names)}:
            raise NotOurs(f"no migration is called {target}")
        with self._locked():
            if unknown := self._unknown(self._records.all()):
                raise NotOurs(f"{', '.join(unknown)}: a newer version's, for that version to take back")
            # one that was begun and did not end is among them
            touched = [name for name, record in self._records.all().items() if record["state"] != "reverted"]
            newest_first = [migration for migration in reversed(self._migrations) if migration.name in touched]
            chosen = newest_first[:1] if target is None else [one for one in newest_first if one.name[:3] > target[:3]]
            for migration in chosen:
                self._run(migration, "back", migration.module.back, during="reverting", after="reverted")
        return [migration.name for migration in chosen]

    def repeat(self, wait_seconds: float = 0) -> list[str]:
        """Run again what was applied less than ROLLOUT ago, for what the version before wrote since; its names.

        Raises LockHeld if another process migrates for longer than the seconds given; else what ``up`` raises.
        """
        with self._locked(wait_seconds):
            recent = self._records.applied_within(ROLLOUT, self._names)
            for migration in self._migrations:
                if migration.name in recent:
                    self._run(migration, "forward", migration.module.forward)
        return recent

    def keep_repeating(self) -> None:
        """Repeat in a thread of this process, while there may be anything to: for the relay, of which each has one.

        The pauses grow: processes of the version before end within minutes as a rule, and rarely much later.
        """
        Thread(target=self._keep_repeating, name="migrations", daemon=True).start()

    def pending(self) -> list[str]:
        """Names of the migrations that are not in force."""
        applied = self.applied()
        return [name for name in self._names if name not in applied]

    def applied(self) -> dict[str, datetime]:
        """{name: instant it ran at} of those that are in force."""
        return self._records.applied()

    def status(self) -> Status:
        records = self._records.all()
        return Status(
            records,
            pending=self.pending(),
            unknown=self._unknown(records),
            holder=self._lock.holder(),
            missing=index.missing(self._database, self._indexes),
            undeclared=index.undeclared(self._database, self._indexes),
        )

    def _unknown(self, records: dict[str, Document]) -> list[str]:
        return [name for name, record in records.items() if record["state"] != "reverted" and name not in self._names]

    @contextmanager
    def _locked(self, wait_seconds: float | None = None) -> Iterator[None]:
        with self._lock.held(wait_seconds), timeout(LONGEST.total_seconds()):
            yield

    def _run(
        self,
        migration: Migration,
        way: str,
        step: Callable[..., None],
        *,
        during: str | None = None,
        after: str | None = None,
    ) -> None:
        """One step, with what it makes of the record's state; a repetition makes nothing of it."""
        name = migration.name
        if during:
            self._through_elections(lambda: self._records.begin(name, during))
        began = time.perf_counter()
        try:
            self._through_elections(lambda: step(self._database.db))
        except LockLost:
            raise
        except Exception as error:
            where = _where(error)
            # the database may be what failed
            with suppress(PyMongoError):
                self._records.fail(name, way, type(error).__name__, where)
            log.error("migration failed", alarm=_ALARM, name=name, way=way, error=type(error).__name__, where=where)
            # `from None`: the error may repeat a document's values
            raise MigrationFailed(f"{name}, {way}: {type(error).__name__} at {where}") from None
        milliseconds = round((time.perf_counter() - began) * 1000)
        if after:
            self._through_elections(lambda: self._records.finish(name, after, milliseconds))
        else:
            self._through_elections(lambda: self._records.forget_failure(name))
        log.info("migration", name=name, way=way, state=after or "repeated", ms=milliseconds)

    def _make_indexes(self) -> None:
        try:
            self._through_elections(lambda: index.make(self._database, self._indexes))
        except index.IndexRefused as error:
            log.error("index refused", alarm=_ALARM, error=str(error))
            raise

    def _through_elections(self, step: Callable[[], None]) -> None:
        """A step that may be repeated, while the lock is held; again if the primary went away in the middle."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._lock.renew()
                return step()
            except PyMongoError as error:
                if not is_away(error) or attempt == _ATTEMPTS:
                    raise
                log.warning("migration waits for the database", error=type(error).__name__, attempt=attempt)
                time.sleep(1)
        return None

    def _keep_repeating(self) -> None:
        pause = _FIRST_PAUSE
        recent = True
        while recent:
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            with suppress(LockHeld, MigrationFailed):  # another is at it; or it has told of it
                try:
                    recent = bool(self.repeat())
                except (PyMongoError, LockLost) as error:
                    log.warning("migrations not repeated", error=repr(error))


def _where(error: BaseException) -> str:
    """``file:line`` of the migration's own part in an error, or else of the last there is."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/migrations/" in frame.filename and "/chassis/" not in frame.filename]
    last = (own or frames)[-1]
    return f"{last.filename.rpartition('/')[2]}:{last.lineno}"
