"""Doctors get a visibility, a calendar, and the flag that their public lists are indexed by."""

from pymongo.database import Database

from chassis.migrations import update_in_batches
from chassis.mongo import Document

_ADDED: Document = {"visible": True, "accepting": True, "availability": None, "overrides": []}


def forward(db: Database[Document]) -> None:
    """Add to each doctor what it lacks; ``listed`` follows from the others, also where an older process left it.

    All in one write: a doctor who has ``listed`` has the others.
    """
    listed = {"$and": [{"$eq": ["$moderationStatus", "APPROVED"]}, "$visible", "$active"]}
    lacking = [{field: {"$exists": False}} for field in _ADDED]
    whole = [{"$set": {field: {"$ifNull": [f"${field}", value]} for field, value in _ADDED.items()}}]
    wrong = {"$or": [*lacking, {"$expr": {"$ne": ["$listed", listed]}}]}
    update_in_batches(db["doctors"], wrong, [*whole, {"$set": {"listed": listed}}])


def back(db: Database[Document]) -> None:
    """Remove the fields where they say no more than their absence: what doctors have set there is not lost."""
    for field, value in _ADDED.items():
        update_in_batches(db["doctors"], {field: {"$exists": True, "$eq": value}}, {"$unset": {field: ""}})
    update_in_batches(db["doctors"], {"listed": {"$exists": True}}, {"$unset": {"listed": ""}})
