"""Soft delete: every user gets ``status``, ``deletion`` and ``scheduledDeletionAt``.

Forward: users who lack one of them become ACTIVE, with no deletion requested; what is there stays.

Back: the fields go from ACTIVE users, where they say nothing that their absence would not: nothing is lost. Deleted
users keep theirs. Without them their accounts would come back to life against their owners' wish, and nobody
could tell any more why, or when they are due to be purged.
"""

from collections.abc import Iterator

from pymongo.database import Database

from chassis.mongo import Document

BATCH = 1000


def forward(db: Database[Document]) -> None:
    kept_or_empty = [
        {
            "$set": {
                "status": {"$ifNull": ["$status", "ACTIVE"]},
                "deletion": {"$ifNull": ["$deletion", None]},
                "scheduledDeletionAt": {"$ifNull": ["$scheduledDeletionAt", None]},
            }
        }
    ]
    fields = ("status", "deletion", "scheduledDeletionAt")
    lacking = {"$or": [{field: {"$exists": False}} for field in fields]}
    for batch in _batches(db):
        db["users"].update_many({**batch, **lacking}, kept_or_empty)


def back(db: Database[Document]) -> None:
    fields = {"status": "", "deletion": "", "scheduledDeletionAt": ""}
    for batch in _batches(db):
        db["users"].update_many({**batch, "status": "ACTIVE"}, {"$unset": fields})


def _batches(db: Database[Document]) -> Iterator[Document]:
    """Conditions on ``_id`` that cover every user, some at a time, so that no single update runs long."""
    last: Document = {}
    while True:
        ids = [user["_id"] for user in db["users"].find(last, {"_id": 1}).sort("_id", 1).limit(BATCH)]
        if not ids:
            return
        yield {"_id": {"$gte": ids[0], "$lte": ids[-1]}}
        last = {"_id": {"$gt": ids[-1]}}
