"""Credentials say whether mail to their address is known to arrive."""

from pymongo.database import Database

from chassis.mongo import Document


def forward(db: Database[Document]) -> None:
    """Nobody was asked to show it so far."""
    db["credentials"].update_many({"emailVerified": {"$exists": False}}, {"$set": {"emailVerified": False}})


def back(db: Database[Document]) -> None:
    """Remove the field: who verified an address must do it again."""
    db["credentials"].update_many({}, {"$unset": {"emailVerified": ""}})
