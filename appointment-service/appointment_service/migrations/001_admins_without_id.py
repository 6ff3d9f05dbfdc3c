"""Histories tell that an admin acted, not which: the audit has that, and no erasure looks for admins here."""

from pymongo.database import Database

from chassis.mongo import Document


def forward(db: Database[Document]) -> None:
    """Put ``admin`` for whoever is neither the appointment's patient nor its doctor."""
    known = ["$patientId", "$doctorId", "system", "admin"]
    entry = {"$mergeObjects": ["$$entry", {"by": {"$cond": [{"$in": ["$$entry.by", known]}, "$$entry.by", "admin"]}}]}
    db["appointments"].update_many(
        {"$expr": {"$ne": [{"$setDifference": ["$history.by", known]}, []]}},
        [{"$set": {"history": {"$map": {"input": "$history", "as": "entry", "in": entry}}}}],
    )


def back(db: Database[Document]) -> None:
    """Nothing: older code shows ``admin`` as it is."""
