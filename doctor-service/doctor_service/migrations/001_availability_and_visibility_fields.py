"""Doctors get a visibility, a calendar, and the flag that their public lists are indexed by."""

from pymongo.database import Database

from chassis.migrations import update_in_batches
from chassis.mongo import Document

_ADDED: Document = {"visible": True, "accepting": True, "availability": None, "overrides": []}


def forward(db: Database[Document]) -> None:
    """Add to each doctor what it lacks; ``listed`` follows from the others.

    All in one write: a doctor who has ``listed`` has the others.
    """
    listed = {"$and": [{"$eq": ["$moderationStatus", "APPROVED"]}, "$visible", "$active"]}
    added = {field: {"$ifNull": [f"${field}", value]} for field, value in _ADDED.items()}
    lacking = {"$or": [{field: {"$exists": False}} for field in (*_ADDED, "listed")]}
    update_in_batches(db["doctors"], lacking, [{"$set": added}, {"$set": {"listed": listed}}])


def back(db: Database[Document]) -> None:
    """Remove the fields where they say no more than their absence: what doctors have set there is not lost."""
    for field, value in _ADDED.items():
        update_in_batches(db["doctors"], {field: {"$exists": True, "$eq": value}}, {"$unset": {field: ""}})
    update_in_batches(db["doctors"], {"listed": {"$exists": True}}, {"$unset": {"listed": ""}})
