"""What the appointments and the offered minutes add up to, and the offered minutes themselves."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DeleteOne, InsertOne, UpdateOne
from pymongo.client_session import ClientSession

from appointment_service.domain.analytics import Group
from appointment_service.domain.appointment import HELD
from appointment_service.store.indexes import APPOINTMENTS, CALENDARS, CAPACITY
from chassis.clock import new_id
from chassis.mongo import Database, Document

_BATCH = 500
_BY_DAY = "by_day"

# plain arithmetic on the date as text: no zone comes into it
_MONDAY = {
    "$dateToString": {
        "format": "%Y-%m-%d",
        "date": {
            "$dateTrunc": {
                "date": {"$dateFromString": {"dateString": "$day"}},
                "unit": "week",
                "startOfWeek": "monday",
            }
        },
    }
}
_KEYS: Mapping[Group, Any] = {
    Group.DAY: "$day",
    Group.WEEK: _MONDAY,
    Group.MONTH: {"$substrBytes": ["$day", 0, 7]},
    Group.DOCTOR: "$doctorId",
    Group.SPECIALTY: {"$ifNull": ["$specialty", None]},
}


class AnalyticsStore:
    """The only place that talks to the offered minutes, and that adds up appointments.

    A calendar's {capacityThrough?, capacityAt?} are its too: the last date of which the minutes are noted, and when
    the next one comes within the horizon.
    """

    def __init__(self, database: Database) -> None:
        self._appointments = database[APPOINTMENTS]
        self._calendars = database[CALENDARS]
        self._capacity = database[CAPACITY]

    # figures

    def appointments(self, where: Document, group: Group) -> Iterator[Document]:
        """{key, status, count, minutes} of the appointments that ``where`` (see `between`) means, in no order."""
        length = {"$dateDiff": {"startDate": "$start", "endDate": "$end", "unit": "minute"}}
        pipeline: list[Document] = [
            {"$match": {**where, "status": {"$ne": HELD}}},
            {
                "$group": {
                    "_id": {"key": _KEYS[group], "status": "$status"},
                    "count": {"$sum": 1},
                    "minutes": {"$sum": length},
                }
            },
            {"$project": {"_id": 0, "key": "$_id.key", "status": "$_id.status", "count": 1, "minutes": 1}},
        ]
        yield from self._appointments.aggregate(pipeline, hint=_BY_DAY)

    def offered(self, where: Document, group: Group) -> Iterator[Document]:
        """{key, minutes} of the time offered that ``where`` (see `between`) means, in no order."""
        pipeline: list[Document] = [
            {"$match": where},
            {"$group": {"_id": _KEYS[group], "minutes": {"$sum": "$minutes"}}},
            {"$project": {"_id": 0, "key": "$_id", "minutes": 1}},
        ]
        yield from self._capacity.aggregate(pipeline, hint=_BY_DAY)

    # offered minutes

    def due(self, now: datetime, limit: int) -> list[str]:
        """Doctors of whom another date has come within the horizon by now, longest due first."""
        found = self._calendars.find({"capacityAt": {"$lte": now}}, {"_id": 1}, hint="capacity", limit=limit)
        return [doctor["_id"] for doctor in found.sort("capacityAt", ASCENDING)]

    def note(
        self, doctor_id: str, first: str, minutes: Mapping[str, int], specialty: str | None, session: ClientSession
    ) -> None:
        """Make {date: minutes} all that the doctor offers from the date ``first`` on; written is what differs."""
        where = {"doctorId": doctor_id, "day": {"$gte": first}}
        writes: list[DeleteOne | InsertOne[Document] | UpdateOne] = []
        missing = dict(minutes)
        for held in self._capacity.find(where, hint="of_doctor", session=session):
            facts = {"minutes": missing.pop(held["day"], None), "specialty": specialty}
            if facts["minutes"] is None:
                writes.append(DeleteOne({"_id": held["_id"]}))
            elif facts != {name: held[name] for name in facts}:
                writes.append(UpdateOne({"_id": held["_id"]}, {"$set": facts}))
        for day, offered in missing.items():
            facts = {"minutes": offered, "specialty": specialty}
            writes.append(InsertOne({"_id": new_id(), "doctorId": doctor_id, "day": day, **facts}))
        for begin in range(0, len(writes), _BATCH):
            self._capacity.bulk_write(writes[begin : begin + _BATCH], ordered=False, session=session)

    def noted(self, doctor_id: str, through: str | None, again_at: datetime | None, session: ClientSession) -> None:
        """Set up to which date the doctor's minutes are noted, and when to go on (None: at the next event).

        Whoever notes minutes writes this in the same transaction, so that of two at once one is repeated.
        """
        facts = {"capacityThrough": through, "capacityAt": again_at}
        update: Document = {"$set": facts} if again_at else {"$unset": dict.fromkeys(facts, "")}
        self._calendars.update_one({"_id": doctor_id}, update, session=session)

    def anonymise(self, doctor_id: str, session: ClientSession) -> None:
        """Leave of what the doctor offered dates and minutes."""
        self._capacity.update_many(
            {"doctorId": doctor_id}, {"$set": {"doctorId": None, "specialty": None}}, hint="of_doctor", session=session
        )


def between(first: str, last: str, doctor_id: str | None, specialty: str | None) -> Document:
    """What means the days from ``first`` to ``last``, of one doctor or specialty where they are given."""
    given = {"doctorId": doctor_id, "specialty": specialty}
    return {"day": {"$gte": first, "$lte": last}, **{name: value for name, value in given.items() if value}}
