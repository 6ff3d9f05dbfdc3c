"""Soft delete: every user gets ``status``, ``deletion`` and ``scheduledDeletionAt``.

Forward: users who lack one of them become ACTIVE, with no deletion requested; what is there stays.

Back: the fields go from ACTIVE users, where they say nothing that their absence would not: nothing is lost. Deleted
users keep theirs. Without them their accounts would come back to life against their owners' wish, and nobody
could tell any more why, or when they are due to be purged.
"""

from pymongo.database import Database

from chassis.migrations import update_in_batches
from chassis.mongo import Document

_FIELDS = ("status", "deletion", "scheduledDeletionAt")


def forward(db: Database[Document]) -> None:
    kept_or_empty = {
        "status": {"$ifNull": ["$status", "ACTIVE"]},
        "deletion": {"$ifNull": ["$deletion", None]},
        "scheduledDeletionAt": {"$ifNull": ["$scheduledDeletionAt", None]},
    }
    lacking = {"$or": [{field: {"$exists": False}} for field in _FIELDS]}
    update_in_batches(db["users"], lacking, [{"$set": kept_or_empty}])


def back(db: Database[Document]) -> None:
    update_in_batches(db["users"], {"status": "ACTIVE"}, {"$unset": dict.fromkeys(_FIELDS, "")})
