"""Every doctor has what search goes by, the keys and whether it is listed, as this version makes them.

An older process that writes a profile leaves it without keys, one that stores a rating leaves the stars of before, and
one of before the first migration does not know of being listed.
What is derived is derived by the service's own rules: a copy of them would be wrong as soon as they changed.
"""

from collections.abc import Iterator

from pymongo import UpdateOne
from pymongo.database import Database

from chassis.migrations import read_in_batches, write_in_batches
from chassis.mongo import Document
from chassis.outbox import announce
from doctor_service import events
from doctor_service.domain import derived


def forward(db: Database[Document]) -> None:
    """Make what differs anew, and announce those doctors with what the version before did not tell: the clinic."""
    write_in_batches(db["doctors"], _differing(db))


def back(db: Database[Document]) -> None:
    """Nothing: older code passes over keys."""


def _differing(db: Database[Document]) -> Iterator[UpdateOne]:
    # who has joined since the first migration is the first one's, as it is repeated
    for doctor in read_in_batches(db["doctors"], {"listed": {"$exists": True}}, {"outbox": 0}):
        right = derived(doctor)
        if any(doctor.get(field) != value for field, value in right.items()):
            after = {"version": doctor["version"] + 1, **right}
            # a rating makes no version, but stands in the keys
            as_read = {name: doctor[name] for name in ("_id", "version")}
            as_read["rating.version"] = doctor["rating"]["version"]
            event = events.doctor_updated({**doctor, **after})
            yield UpdateOne(as_read, {"$set": after, "$push": announce(event)})
