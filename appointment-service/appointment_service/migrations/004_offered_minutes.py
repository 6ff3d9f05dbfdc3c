"""What doctors offer on each date is noted; of those who are known already at the next advance_due."""

from pymongo import DeleteOne
from pymongo.database import Database

from chassis.migrations import read_in_batches, update_in_batches, write_in_batches
from chassis.mongo import Document


def forward(db: Database[Document]) -> None:
    """Note that they are due, from today on.

    All of them: an older process that stores another calendar does not note what it offers.
    """
    update_in_batches(
        db["calendars"],
        {"calendar": {"$type": "object"}},
        {"$currentDate": {"capacityAt": True}, "$unset": {"capacityThrough": ""}},
    )


def back(db: Database[Document]) -> None:
    """Forget what was offered, which older code would not erase; of past dates it can't be told again."""
    noted = {"$or": [{name: {"$exists": True}} for name in ("capacityAt", "capacityThrough")]}
    update_in_batches(db["calendars"], noted, {"$unset": {"capacityAt": "", "capacityThrough": ""}})
    noted_days = read_in_batches(db["capacity"], {}, {"_id": 1})
    write_in_batches(db["capacity"], (DeleteOne({"_id": item["_id"]}) for item in noted_days))
