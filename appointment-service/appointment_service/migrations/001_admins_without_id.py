"""Histories tell that an admin acted, not which: the audit has that, and no erasure looks for admins here."""

from pymongo.database import Database

from chassis.migrations import update_in_batches
from chassis.mongo import Document


def forward(db: Database[Document]) -> None:
    """Put ``admin`` for whoever is neither the appointment's patient nor its doctor."""
    known = ["$patientId", "$doctorId", "system", "admin"]
    entry = {"$mergeObjects": ["$$entry", {"by": {"$cond": [{"$in": ["$$entry.by", known]}, "$$entry.by", "admin"]}}]}
    update_in_batches(
        db["appointments"],
        # a held slot has no history
        {"history.0": {"$exists": True}, "$expr": {"$ne": [{"$setDifference": ["$history.by", known]}, []]}},
        [{"$set": {"history": {"$map": {"input": "$history", "as": "entry", "in": entry}}}}],
    )


def back(db: Database[Document]) -> None:
    """Nothing: older code shows ``admin`` as it is. Which admin it was is not known here any more."""
