"""Appointments know the doctor's date of their start, which the figures count by."""

from zoneinfo import ZoneInfo

from pymongo import UpdateOne
from pymongo.database import Database

from chassis.mongo import Document

_BATCH = 1_000


def forward(db: Database[Document]) -> None:
    """Note each start's date, in the zone that the appointment was booked with; safe to repeat."""
    wanted = db["appointments"].find({"day": {"$exists": False}}, {"start": 1, "timezone": 1})
    writes: list[UpdateOne] = []
    for item in wanted:
        day = item["start"].astimezone(ZoneInfo(item["timezone"])).date().isoformat()
        writes.append(UpdateOne({"_id": item["_id"], "start": item["start"]}, {"$set": {"day": day}}))
        if len(writes) == _BATCH:
            db["appointments"].bulk_write(writes, ordered=False)
            writes = []
    if writes:
        db["appointments"].bulk_write(writes, ordered=False)


def back(db: Database[Document]) -> None:
    """Nothing: older code does not look at it."""
