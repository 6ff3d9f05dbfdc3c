"""What doctors offer on each date is noted; of those who are known already at the next advance_due."""

from pymongo.database import Database

from chassis.clock import now
from chassis.mongo import Document


def forward(db: Database[Document]) -> None:
    db["calendars"].update_many(
        {"calendar": {"$type": "object"}, "capacityThrough": {"$exists": False}}, {"$set": {"capacityAt": now()}}
    )


def back(db: Database[Document]) -> None:
    """Forget what was offered; it can't be told from calendars again."""
    db["calendars"].update_many({}, {"$unset": {"capacityAt": "", "capacityThrough": ""}})
    db["capacity"].delete_many({})
