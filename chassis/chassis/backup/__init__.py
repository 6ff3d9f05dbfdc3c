"""Backups of a replica set's databases as they are at one instant, taken while they are written to.

``python -m chassis.backup save | check | load | empty-queues`` does it with MONGODB_URI and AMQP_URL. MongoDB's own
tools do not come with every way of installing it; this needs the driver alone. A backup is a folder: one file of
compressed BSON for each collection, and ``manifest.json``, which is written last: without it there is no backup.
"""

from chassis.backup.folder import BackupError
from chassis.backup.loading import load
from chassis.backup.saving import save

__all__ = ["BackupError", "load", "save"]
