"""review-service's documents, indexes and questions.

reviews: {_id, appointmentId, doctorId, patientId, rating, comment, author, createdAt, updatedAt, version,
          outbox}
visits:  {_id: appointmentId, doctorId, patientId, completedVersion, reviewedAt?}
doctors: {_id: doctorId, listed, version}
ratings: {_id: doctorId, count, sum, histogram: {"1".."5": n}, version}

``doctorId`` and ``patientId`` of a review are null once that person was erased. ``completedVersion`` is the
appointment's version and ``doctors.version`` doctor-service's; a rating's ``version`` is its own.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession

from chassis import inbox, outbox, tombstones
from chassis.mongo import Database, Document
from review_service.domain import FORMER_PATIENT, Sort

REVIEWS = "reviews"
VISITS = "visits"
DOCTORS = "doctors"
RATINGS = "ratings"
OUTBOXES = (REVIEWS, tombstones.COLLECTION)

ONE_PER_APPOINTMENT = "appointment_unique"
SORT_KEYS = {Sort.RECENT: ("createdAt", "_id"), Sort.RATING: ("rating", "createdAt", "_id")}
"""What each order of a doctor's reviews descends by; the last key makes it total."""

INDEXES = {
    REVIEWS: [
        IndexModel([("appointmentId", ASCENDING)], name=ONE_PER_APPOINTMENT, unique=True),
        *(
            IndexModel([("doctorId", ASCENDING), *((key, DESCENDING) for key in keys)], name=f"of_doctor_by_{sort}")
            for sort, keys in SORT_KEYS.items()
        ),
        IndexModel([("patientId", ASCENDING)], name="of_patient"),
        outbox.INDEX,
    ],
    VISITS: [
        IndexModel([("patientId", ASCENDING)], name="of_patient"),
        IndexModel([("doctorId", ASCENDING)], name="of_doctor"),
    ],
    inbox.COLLECTION: [inbox.INDEX],
    tombstones.COLLECTION: tombstones.INDEXES,
}


class Store:
    """The only place that talks to review-service's database."""

    def __init__(self, database: Database) -> None:
        self._reviews = database[REVIEWS]
        self._visits = database[VISITS]
        self._doctors = database[DOCTORS]
        self._ratings = database[RATINGS]

    # reviews and ratings

    def take_visit(
        self, appointment_id: str, patient_id: str, now: datetime, session: ClientSession
    ) -> Document | None:
        """The patient's visit, marked as reviewed; None if there is none.

        The mark does not refuse a second review (the unique index does). It makes a concurrent erasure of the
        patient or the doctor, which deletes the visit, conflict with this transaction.
        """
        return self._visits.find_one_and_update(
            {"_id": appointment_id, "patientId": patient_id}, {"$set": {"reviewedAt": now}}, session=session
        )

    def has_visit(self, appointment_id: str, session: ClientSession) -> bool:
        return self._visits.find_one({"_id": appointment_id}, {"_id": 1}, session=session) is not None

    def count_in(self, doctor_id: str, stars: int, session: ClientSession) -> Document:
        """Add one rating to the doctor's; the aggregate after it."""
        after: Document = self._ratings.find_one_and_update(
            {"_id": doctor_id},
            {"$inc": {"count": 1, "sum": stars, f"histogram.{stars}": 1, "version": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )  # type: ignore[assignment]  # after an upsert there always is one
        return after

    def add_review(self, review: Document, session: ClientSession) -> None:
        """Raises DuplicateKeyError (``ONE_PER_APPOINTMENT``) if the appointment has a review."""
        self._reviews.insert_one(review, session=session)

    def reviews_of(self, doctor_id: str, sort: Sort, after: Sequence[Any] | None, limit: int) -> list[Document]:
        """Up to ``limit`` reviews of a doctor, from after the key ``after`` (``SORT_KEYS[sort]``) on."""
        keys = SORT_KEYS[sort]
        wanted: Document = {"doctorId": doctor_id}
        if after is not None:
            wanted = {"$or": [{**wanted, **step} for step in _beyond(keys, after)]}
        order = [(key, DESCENDING) for key in keys]
        return list(self._reviews.find(wanted, {outbox.FIELD: 0}).sort(order).limit(limit))

    def reviews_by(self, patient_id: str) -> list[Document]:
        """All that the patient wrote, earliest first."""
        found = self._reviews.find({"patientId": patient_id}, {outbox.FIELD: 0})
        return sorted(found, key=lambda review: (review["createdAt"], review["_id"]))

    def rating_of(self, doctor_id: str) -> Document | None:
        return self._ratings.find_one({"_id": doctor_id})

    # projections

    def doctor(self, doctor_id: str) -> Document | None:
        return self._doctors.find_one({"_id": doctor_id})

    def put_visit(
        self, appointment_id: str, doctor_id: str, patient_id: str, version: int, session: ClientSession
    ) -> None:
        """Note a completed appointment; its doctor and patient never change, its version only rises."""
        self._visits.update_one(
            {"_id": appointment_id},
            {
                "$setOnInsert": {"doctorId": doctor_id, "patientId": patient_id},
                "$max": {"completedVersion": version},
            },
            upsert=True,
            session=session,
        )

    def put_doctor(self, doctor_id: str, listed: bool, version: int, session: ClientSession) -> None:
        """Note a doctor's standing, unless a newer one is here already."""
        # a missing version compares as less than any number
        newer = {"$gt": [version, "$version"]}
        self._doctors.update_one(
            {"_id": doctor_id},
            [
                {
                    "$set": {
                        "listed": {"$cond": [newer, listed, "$listed"]},
                        "version": {"$max": ["$version", version]},
                    }
                }
            ],
            upsert=True,
            session=session,
        )

    # erasure

    def erase(self, user_id: str, now: datetime, session: ClientSession) -> None:
        """Forget a person, as patient and as doctor: of the reviews only rating and time stay."""
        anonymous = {"patientId": None, "comment": None, "author": FORMER_PATIENT, "updatedAt": now}
        self._visits.delete_many({"$or": [{"patientId": user_id}, {"doctorId": user_id}]}, session=session)
        self._reviews.update_many({"patientId": user_id}, {"$set": anonymous, "$inc": {"version": 1}}, session=session)
        self._reviews.update_many(
            {"doctorId": user_id},
            {"$set": {**anonymous, "doctorId": None}, "$inc": {"version": 1}},
            session=session,
        )
        self._ratings.delete_one({"_id": user_id}, session=session)
        self._doctors.delete_one({"_id": user_id}, session=session)


def _beyond(keys: Sequence[str], after: Sequence[Any]) -> list[Document]:
    """What follows ``after`` in the descending order of ``keys``: one range of the index for each key.

    >>> _beyond(["a", "b"], [1, 2])
    [{'a': {'$lt': 1}}, {'a': 1, 'b': {'$lt': 2}}]
    """
    return [
        {**dict(zip(keys[:place], after, strict=False)), key: {"$lt": after[place]}} for place, key in enumerate(keys)
    ]
