"""The doctors' documents: questions and changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession

from chassis import outbox
from chassis.events import Event
from chassis.mongo import Database, Document, update_and_read
from doctor_service.domain import Search
from doctor_service.store.reading import Order, in_order
from doctor_service.store.search import LISTED, ORDERS, SEARCH_INDEXES, planned

DOCTORS = "doctors"

BY_CREATION: Order = [("createdAt", ASCENDING), ("_id", ASCENDING)]
BY_TIME = "by_time"
MODERATION = "moderation"

DOCTOR_INDEXES = [
    *SEARCH_INDEXES,
    IndexModel(BY_CREATION, name=BY_TIME),
    IndexModel([("moderationStatus", ASCENDING), *BY_CREATION], name=MODERATION),
    IndexModel([("moderationHistory.by", ASCENDING)], name="moderated_by"),
    outbox.INDEX,
]

_NEWEST_EVENTS = 20
_WITHOUT_OUTBOX = {outbox.FIELD: 0}
_LINE = {**_WITHOUT_OUTBOX, "overrides": 0, "availability": 0, "search.keys": 0, "search.words": 0}
_CARD = {**_LINE, "moderationHistory": 0}
"""Without what is long and not shown in a list, the admins' and everybody's."""


class DoctorStore:
    """The only place that talks to the doctors' collection."""

    def __init__(self, database: Database) -> None:
        self._doctors = database[DOCTORS]

    def add(self, doctor: Document, event: Event, session: ClientSession) -> None:
        """Raises DuplicateKeyError if the doctor has a profile."""
        self._doctors.insert_one({**doctor, outbox.FIELD: [event]}, session=session)

    def doctor(self, doctor_id: str, session: ClientSession | None = None) -> Document | None:
        return self._doctors.find_one({"_id": doctor_id}, _WITHOUT_OUTBOX, session=session)

    def listed(self, doctor_id: str) -> Document | None:
        return self._doctors.find_one({"_id": doctor_id, **LISTED}, _WITHOUT_OUTBOX)

    def listed_among(self, doctor_ids: Sequence[str]) -> dict[str, Document]:
        """Those of the doctors that are listed, by id."""
        found = self._doctors.find({"_id": {"$in": list(doctor_ids)}, **LISTED}, _CARD)
        return {doctor["_id"]: doctor for doctor in found}

    def search(self, search: Search, order: str, after: Sequence[Any] | None, limit: int) -> list[Document]:
        """The cards of listed doctors in one of ORDERS, beginning behind the place ``after``."""
        condition, index = planned(search, order)
        return in_order(self._doctors, condition, ORDERS[order], after, limit, index=index, shown=_CARD)

    def all(self, status: str | None, after: Sequence[Any] | None, limit: int) -> list[Document]:
        """Doctors of a moderation status, or of any, longest there first."""
        condition: Document = {"moderationStatus": status} if status else {}
        index = MODERATION if status else BY_TIME
        return in_order(self._doctors, condition, BY_CREATION, after, limit, index=index, shown=_LINE)

    def change(
        self, before: Document, changes: Document, event: Event | None, session: ClientSession | None = None
    ) -> Document | None:
        """Set ``changes`` and announce ``event`` if the doctor is as ``before``; the doctor after, or None."""
        update = _update(changes, event)
        return update_and_read(self._doctors, _still(before), update, projection=_WITHOUT_OUTBOX, session=session)

    def set_rating(self, doctor_id: str, rating: Document, keys: Sequence[str], session: ClientSession) -> None:
        """Set {average, count, version} and the search's keys, which tell of it."""
        changes = {"rating": rating, "search.keys": keys}
        self._doctors.update_one({"_id": doctor_id}, {"$set": changes}, session=session)

    def set_next_available(self, doctor_id: str, start: datetime | None, version: int, session: ClientSession) -> None:
        """Apply the next free slot, if the doctor is here and holds none of this version or a newer one."""
        self._doctors.update_one(
            {"_id": doctor_id, "nextAvailable.version": {"$not": {"$gte": version}}},
            {"$set": {"nextAvailable": {"start": start, "version": version}}},
            session=session,
        )

    def count_follower(self, doctor_id: str, session: ClientSession) -> bool:
        """One more follower of a listed doctor; False if the doctor is not listed."""
        counted = self._doctors.update_one({"_id": doctor_id, **LISTED}, {"$inc": {"followers": 1}}, session=session)
        return counted.matched_count == 1

    def discount_follower(self, doctor_ids: Sequence[str], session: ClientSession) -> None:
        """One follower less for each of the doctors."""
        self._doctors.update_many({"_id": {"$in": list(doctor_ids)}}, {"$inc": {"followers": -1}}, session=session)

    def erase(self, doctor_id: str, session: ClientSession) -> None:
        self._doctors.delete_one({"_id": doctor_id}, session=session)

    def forget_moderator(self, admin_id: str, session: ClientSession) -> None:
        """Take an admin's id out of every history; a new version, so that nobody writes back the history as read."""
        self._doctors.update_many(
            {"moderationHistory.by": admin_id},
            {"$set": {"moderationHistory.$[line].by": None}, "$inc": {"version": 1}},
            array_filters=[{"line.by": admin_id}],
            session=session,
        )


def _still(doctor: Document) -> Document:
    """The condition that nobody changed the doctor; a rating makes no version, but stands in the search's keys."""
    return {"_id": doctor["_id"], "version": doctor["version"], "rating.version": doctor["rating"]["version"]}


def _update(changes: Document, event: Event | None) -> Document:
    """An event says all there is, so a later one stands for those before it: the newest 20 are kept, and a broker
    that is long away cannot make a document grow beyond what the database takes.
    """
    update: Document = {"$set": changes}
    if event:
        update["$push"] = {outbox.FIELD: {**outbox.announce(event)[outbox.FIELD], "$slice": -_NEWEST_EVENTS}}
    return update
