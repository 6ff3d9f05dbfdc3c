"""Credentials say whether mail to their address is known to arrive."""

from pymongo.database import Database

from chassis.migrations import update_in_batches
from chassis.mongo import Document


def forward(db: Database[Document]) -> None:
    """Nobody was asked to show it so far."""
    update_in_batches(db["credentials"], {"emailVerified": {"$exists": False}}, {"$set": {"emailVerified": False}})


def back(db: Database[Document]) -> None:
    """Remove the field where it says no more than its absence; whoever showed it need not do so again."""
    update_in_batches(db["credentials"], {"emailVerified": False}, {"$unset": {"emailVerified": ""}})
