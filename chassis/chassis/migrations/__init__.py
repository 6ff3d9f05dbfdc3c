"""Migrations and indexes: numbered, forward and back, recorded, one runner at a time.

A service's ``migrations`` package holds ``001_what.py`` modules with ``forward(db)`` and ``back(db)``. Both are
repeated: after a runner that died half-way, and ``forward`` again and again while processes of the version before may
still write what it knows (ADR 0025). So each finds by itself what is left to do, and does it in batches.
"""

from chassis.migrations.batches import read_in_batches, update_in_batches, write_in_batches
from chassis.migrations.command import run
from chassis.migrations.indexes import Indexes, IndexRefused
from chassis.migrations.lock import LockHeld, LockLost
from chassis.migrations.modules import Migration, migrations_in
from chassis.migrations.records import COLLECTION
from chassis.migrations.runner import MigrationFailed, Migrator, NotOurs

__all__ = [
    "COLLECTION",
    "IndexRefused",
    "Indexes",
    "LockHeld",
    "LockLost",
    "Migration",
    "MigrationFailed",
    "Migrator",
    "NotOurs",
    "migrations_in",
    "read_in_batches",
    "run",
    "update_in_batches",
    "write_in_batches",
]
