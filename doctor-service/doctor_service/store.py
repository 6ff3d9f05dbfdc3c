"""doctor-service's documents, indexes and questions.

doctors: {_id: userId, name, nameVersion, specialty, bio, qualifications, languages, experienceYears,
          fee: {hundredths, currency}|null, clinic: {name, address, city, country}|null, photoUrl,
          moderationStatus, moderationReason, moderationHistory: [{status, at, by, reason?}],
          visible, accepting, active, statusVersion, listed, rating: {average, count, version}, followers,
          availability: {timezone, slotMinutes, ..., weekly: [{weekday, from, to}]}|null,
          overrides: [{date, windows: [{from, to}], reason}], search: {name, specialty, city, languages, fee, words},
          createdAt, updatedAt, version, outbox}
follows: {_id: "<patient>:<doctor>", patientId, doctorId, at}

``nameVersion`` and ``statusVersion`` are versions of user-service's document, the source of name and active.
``listed`` and ``search`` are derived with each write. Search goes by folded words and their beginnings, not by a
text index: names must not be stemmed, half a word typed must find, and a list keeps its order and its paging by key.
``rating`` and ``followers`` change without a new ``version``: the doctor did not change.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.client_session import ClientSession

from chassis import audit, inbox, outbox, tombstones
from chassis.events import Event
from chassis.mongo import Database, Document, update_and_read

DOCTORS = "doctors"
FOLLOWS = "follows"
OUTBOXES = (DOCTORS, audit.COLLECTION, tombstones.COLLECTION)

_LISTED: Document = {"listed": True}
_BY_RATING = [("rating.average", DESCENDING), ("rating.count", DESCENDING), ("_id", ASCENDING)]
_BY_TIME = [("createdAt", ASCENDING), ("_id", ASCENDING)]
_LATEST = [("at", DESCENDING), ("_id", ASCENDING)]
_NEWEST_EVENTS = 20

ORDERS: dict[str, list[tuple[str, int]]] = {
    "rating": _BY_RATING,
    "name": [("search.name", ASCENDING), ("_id", ASCENDING)],
    "experience": [("experienceYears", DESCENDING), ("_id", ASCENDING)],
    "fee": [("search.fee", ASCENDING), ("_id", ASCENDING)],
}
"""The orders of the public list; each ends in ``_id``, so that no two doctors stand in the same place."""


def _of_listed(name: str, keys: list[tuple[str, int]]) -> IndexModel:
    return IndexModel(keys, name=f"listed_{name}", partialFilterExpression=_LISTED)


INDEXES = {
    DOCTORS: [
        *(_of_listed(f"by_{order}", keys) for order, keys in ORDERS.items()),
        *(
            _of_listed(f"of_{field}", [(f"search.{field}", ASCENDING), *_BY_RATING])
            for field in ("specialty", "city", "languages")
        ),
        _of_listed("with_word", [("search.words", ASCENDING)]),
        IndexModel(_BY_TIME, name="by_time"),
        IndexModel([("moderationStatus", ASCENDING), *_BY_TIME], name="moderation"),
        IndexModel([("moderationHistory.by", ASCENDING)], name="moderated_by"),
        outbox.INDEX,
    ],
    FOLLOWS: [
        IndexModel([("patientId", ASCENDING), *_LATEST], name="of_patient"),
        IndexModel([("doctorId", ASCENDING)], name="of_doctor"),
    ],
    audit.COLLECTION: audit.INDEXES,
    inbox.COLLECTION: [inbox.INDEX],
    tombstones.COLLECTION: tombstones.INDEXES,
}


@dataclass(frozen=True, slots=True)
class Search:
    """What the public list is narrowed by; texts are folded, None and empty narrow nothing."""

    words: Sequence[str] = ()
    specialty: str | None = None
    city: str | None = None
    language: str | None = None
    accepting: bool | None = None
    min_rating: float | None = None

    def condition(self) -> Document:
        equal = {
            "search.specialty": self.specialty,
            "search.city": self.city,
            "search.languages": self.language,
            "accepting": self.accepting,
        }
        condition = {**_LISTED, **{field: value for field, value in equal.items() if value is not None}}
        if self.min_rating is not None:
            condition["rating.average"] = {"$gte": self.min_rating}
        if self.words:
            condition["$and"] = [{"search.words": {"$regex": f"^{re.escape(word)}"}} for word in self.words]
        return condition


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
        return self._doctors.find_one({"_id": doctor_id, **_LISTED}, _WITHOUT_OUTBOX)

    def listed_among(self, doctor_ids: Sequence[str]) -> dict[str, Document]:
        """Those of the doctors that are listed, by id."""
        found = self._doctors.find({"_id": {"$in": list(doctor_ids)}, **_LISTED}, _WITHOUT_OUTBOX)
        return {doctor["_id"]: doctor for doctor in found}

    def search(self, search: Search, order: str, after: Sequence[Any] | None, limit: int) -> list[Document]:
        """Listed doctors in one of ORDERS, beginning behind the key ``after``."""
        keys = ORDERS[order]
        condition = search.condition()
        if after is not None:
            condition["$or"] = _behind(keys, after)
        return list(self._doctors.find(condition, _WITHOUT_OUTBOX).sort(keys).limit(limit))

    def all(self, status: str | None, after: Sequence[Any] | None, limit: int) -> list[Document]:
        """Doctors of a moderation status, or of any, longest there first."""
        condition: Document = {"moderationStatus": status} if status else {}
        if after is not None:
            condition["$or"] = _behind(_BY_TIME, after)
        return list(self._doctors.find(condition, _WITHOUT_OUTBOX).sort(_BY_TIME).limit(limit))

    def change(
        self,
        doctor_id: str,
        version: int,
        changes: Document,
        event: Event | None,
        session: ClientSession | None = None,
    ) -> Document | None:
        """Set ``changes`` and announce ``event`` if the doctor still has ``version``; the doctor after, or None.

        An event says all there is, so a later one stands for those before it: the newest 20 are kept, and a
        broker that is long away cannot make a document grow beyond what the database takes.
        """
        update: Document = {"$set": changes}
        if event:
            update["$push"] = {outbox.FIELD: {**outbox.announce(event)[outbox.FIELD], "$slice": -_NEWEST_EVENTS}}
        condition = {"_id": doctor_id, "version": version}
        return update_and_read(self._doctors, condition, update, projection=_WITHOUT_OUTBOX, session=session)

    def set_rating(self, doctor_id: str, average: float, count: int, version: int, session: ClientSession) -> None:
        """Apply a rating of review-service's unless a newer one is here already."""
        self._doctors.update_one(
            {"_id": doctor_id, "rating.version": {"$lt": version}},
            {"$set": {"rating": {"average": average, "count": count, "version": version}}},
            session=session,
        )

    def count_follower(self, doctor_id: str, session: ClientSession) -> bool:
        """One more follower of a listed doctor; False if the doctor is not listed."""
        counted = self._doctors.update_one({"_id": doctor_id, **_LISTED}, {"$inc": {"followers": 1}}, session=session)
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


class FollowStore:
    """The only place that talks to the follows' collection."""

    def __init__(self, database: Database) -> None:
        self._follows = database[FOLLOWS]

    def add(self, patient_id: str, doctor_id: str, at: datetime, session: ClientSession) -> None:
        """Raises DuplicateKeyError if the patient follows the doctor."""
        follow = {"_id": _follow_id(patient_id, doctor_id), "patientId": patient_id, "doctorId": doctor_id, "at": at}
        self._follows.insert_one(follow, session=session)

    def remove(self, patient_id: str, doctor_id: str, session: ClientSession) -> bool:
        """Whether there was a follow to remove."""
        removed = self._follows.delete_one({"_id": _follow_id(patient_id, doctor_id)}, session=session)
        return removed.deleted_count == 1

    def of_patient(self, patient_id: str, after: Sequence[Any] | None, limit: int) -> list[Document]:
        """The patient's follows, latest first."""
        condition: Document = {"patientId": patient_id}
        if after is not None:
            condition["$or"] = _behind(_LATEST, after)
        return list(self._follows.find(condition).sort(_LATEST).limit(limit))

    def all_of_patient(self, patient_id: str) -> list[Document]:
        """{doctorId, at} of every follow of the patient, latest first."""
        shown = {"_id": 0, "doctorId": 1, "at": 1}
        return list(self._follows.find({"patientId": patient_id}, shown).sort(_LATEST))

    def erase(self, user_id: str, session: ClientSession) -> list[str]:
        """Delete the user's follows in both directions; the doctors that lost this follower."""
        followed = [follow["doctorId"] for follow in self._follows.find({"patientId": user_id}, session=session)]
        self._follows.delete_many({"patientId": user_id}, session=session)
        self._follows.delete_many({"doctorId": user_id}, session=session)
        return followed


_WITHOUT_OUTBOX = {outbox.FIELD: 0}


def _follow_id(patient_id: str, doctor_id: str) -> str:
    return f"{patient_id}:{doctor_id}"


def _behind(keys: Sequence[tuple[str, int]], place: Sequence[Any]) -> list[Document]:
    """What comes behind a place in an order, as the branches of an ``$or``: each is one stretch of the index."""
    branches = []
    for count, (field, direction) in enumerate(keys):
        same = {before: value for (before, _), value in zip(keys[:count], place[:count], strict=True)}
        beyond = "$gt" if direction == ASCENDING else "$lt"
        branches.append({**same, field: {beyond: place[count]}})
    return branches
