"""Migrations and indexes: numbered, forward and back, recorded, one runner at a time.

A service's ``migrations`` package holds ``001_what.py`` modules with ``forward(db)`` and ``back(db)``, both safe to
repeat: a runner that died half-way is followed by one that starts the same migration again.
"""

import importlib
import pkgutil
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread
from typing import Any, Protocol, cast

import structlog
from pymongo import IndexModel, ReturnDocument, timeout
from pymongo.database import Database as MongoDatabase
from pymongo.errors import DuplicateKeyError, PyMongoError

from chassis.clock import now
from chassis.mongo import Database, Document

log = structlog.get_logger(__name__)

COLLECTION = "migrations"
_LOCK = "lock"
LEASE = timedelta(seconds=60)
LONGEST_STEP = timedelta(minutes=30)
_WAIT_SECONDS = 120.0

Indexes = Mapping[str, Sequence[IndexModel]]


class Module(Protocol):
    def forward(self, db: MongoDatabase[Document]) -> None: ...
    def back(self, db: MongoDatabase[Document]) -> None: ...


@dataclass(frozen=True)
class Migration:
    name: str
    module: Module


def migrations_in(package: str) -> list[Migration]:
    """The package's migrations in their order. Raises ValueError if two share a number."""
    path = importlib.import_module(package).__path__
    names = sorted(item.name for item in pkgutil.iter_modules(path) if item.name[:3].isdigit())
    numbers = [name[:3] for name in names]
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"{package}: two migrations share a number")
    return [Migration(name, cast(Module, importlib.import_module(f"{package}.{name}"))) for name in names]


class Migrator:
    """Brings a database to the state that the code needs; any number of processes may start at once."""

    def __init__(self, database: Database, package: str, indexes: Indexes) -> None:
        self._database = database
        self._records = database[COLLECTION]
        self._migrations = migrations_in(package)
        self._indexes = indexes
        self._owner = uuid.uuid4().hex

    def up(self) -> list[str]:
        """Run what is pending and make the indexes; returns the names that ran here (none: another did it)."""
        if not self.pending() and self._indexes_made():
            return []
        return self._locked(self._forward)

    def down(self, target: str | None = None) -> list[str]:
        """Take back the newest migration, or all that came after ``target``; returns their names."""
        return self._locked(lambda: self._back(target))

    def pending(self) -> list[str]:
        """Names of the migrations that have not run."""
        applied = self.applied()
        return [migration.name for migration in self._migrations if migration.name not in applied]

    def applied(self) -> dict[str, Any]:
        """{name: instant it ran at} of those that are in force."""
        return {record["_id"]: record["at"] for record in self._records.find({"state": "applied"})}

    def _forward(self) -> list[str]:
        ran = []
        for migration in self._migrations:
            if migration.name in self.pending():
                self._run(migration, "applied", migration.module.forward)
                ran.append(migration.name)
        # afterwards: a migration can make the data fit for a new unique index, or drop an index that changed
        self._hold_lock()
        self._make_indexes()
        return ran

    def _back(self, target: str | None) -> list[str]:
        applied = self.applied()
        newest_first = [migration for migration in reversed(self._migrations) if migration.name in applied]
        chosen = newest_first[:1] if target is None else [item for item in newest_first if item.name > target]
        for migration in chosen:
            self._run(migration, "reverted", migration.module.back)
        return [migration.name for migration in chosen]

    def _run(self, migration: Migration, state: str, step: Callable[[MongoDatabase[Document]], None]) -> None:
        self._hold_lock()
        began = time.perf_counter()
        step(self._database.db)
        self._hold_lock()
        entry = {"state": state, "at": now(), "ms": round((time.perf_counter() - began) * 1000)}
        self._records.update_one({"_id": migration.name}, {"$set": entry, "$push": {"history": entry}}, upsert=True)
        log.info("migration", name=migration.name, **{key: str(value) for key, value in entry.items()})

    def _make_indexes(self) -> None:
        for collection, models in self._indexes.items():
            if models:
                self._database[collection].create_indexes(list(models))

    def _indexes_made(self) -> bool:
        present = set(self._database.db.list_collection_names())
        for collection, models in self._indexes.items():
            made = set(self._database[collection].index_information()) if collection in present else set()
            if any(model.document["name"] not in made for model in models):
                return False
        return True

    def _locked(self, work: Callable[[], list[str]]) -> list[str]:
        deadline = time.monotonic() + _WAIT_SECONDS
        while not self._take_lock():
            if time.monotonic() > deadline:
                raise TimeoutError("another process holds the migration lock")
            time.sleep(0.1)
        done = Event()
        renewing = Thread(target=self._renew_lock, args=(done,), name="migration-lock", daemon=True)
        renewing.start()
        try:
            # an index over many documents takes longer than any operation of a request may
            with timeout(LONGEST_STEP.total_seconds()):
                return work()
        finally:
            done.set()
            renewing.join()
            self._records.delete_one({"_id": _LOCK, "owner": self._owner})

    def _renew_lock(self, done: Event) -> None:
        """Keep the lock through a long step: its lease is short, so that a runner that died is soon followed."""
        while not done.wait(LEASE.total_seconds() / 3):
            try:
                self._hold_lock()
            except (PyMongoError, TimeoutError) as error:
                log.warning("migration lock not renewed", error=repr(error))

    def _take_lock(self) -> bool:
        instant = now()
        try:
            taken = self._records.find_one_and_update(
                {"_id": _LOCK, "expiresAt": {"$lt": instant}},
                {"$set": {"owner": self._owner, "expiresAt": instant + LEASE}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            return False
        return taken is not None

    def _hold_lock(self) -> None:
        held = self._records.update_one({"_id": _LOCK, "owner": self._owner}, {"$set": {"expiresAt": now() + LEASE}})
        if not held.matched_count:
            raise TimeoutError("the migration lock was lost to another process")
