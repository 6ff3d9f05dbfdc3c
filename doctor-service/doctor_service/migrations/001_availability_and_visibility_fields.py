"""Doctors get a visibility, a calendar, and the flag that their public lists are indexed by."""

from pymongo.database import Database

from chassis.mongo import Document

_ADDED: Document = {"visible": True, "accepting": True, "availability": None, "overrides": []}


def forward(db: Database[Document]) -> None:
    """Add to each doctor what it lacks; ``listed`` follows from the others."""
    for field, value in _ADDED.items():
        db["doctors"].update_many({field: {"$exists": False}}, {"$set": {field: value}})
    listed = {"$and": [{"$eq": ["$moderationStatus", "APPROVED"]}, "$visible", "$active"]}
    db["doctors"].update_many({"listed": {"$exists": False}}, [{"$set": {"listed": listed}}])


def back(db: Database[Document]) -> None:
    """Remove the fields, and with them what the doctors had set there."""
    db["doctors"].update_many({}, {"$unset": dict.fromkeys([*_ADDED, "listed"], "")})
