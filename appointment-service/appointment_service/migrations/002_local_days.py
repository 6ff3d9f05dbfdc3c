"""Appointments know the doctor's date of their start, which the figures count by."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from pymongo import UpdateOne
from pymongo.database import Database

from chassis.migrations import read_in_batches, write_in_batches
from chassis.mongo import Document


def forward(db: Database[Document]) -> None:
    """Note each start's date, in the zone that the appointment was booked with.

    Not only where there is none: an older process that moves an appointment leaves the date that it had.
    """
    write_in_batches(db["appointments"], _right(db))


def back(db: Database[Document]) -> None:
    """Nothing: older code does not look at it."""


def _right(db: Database[Document]) -> Iterator[UpdateOne]:
    known = {"start": {"$type": "date"}, "timezone": {"$type": "string"}}
    for item in read_in_batches(db["appointments"], known, {"start": 1, "timezone": 1, "day": 1}):
        # the zones are Python's here as in the service: the database's own may be of another year
        day = item["start"].astimezone(ZoneInfo(item["timezone"])).date().isoformat()
        if day != item.get("day"):
            as_read = {name: item[name] for name in ("_id", "start", "timezone")}
            yield UpdateOne(as_read, {"$set": {"day": day}})
