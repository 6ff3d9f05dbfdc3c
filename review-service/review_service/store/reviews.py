"""The reviews: what is asked of them, and their conditional writes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.client_session import ClientSession

from chassis import outbox
from chassis.events import Event
from chassis.mongo import Database, Document, update_and_read
from review_service.domain import FORMER_PATIENT, Sort

REVIEWS = "reviews"
ONE_PER_APPOINTMENT = "appointment_unique"
SORT_KEYS = {Sort.RECENT: ("createdAt", "_id"), Sort.RATING: ("rating", "createdAt", "_id")}
"""What each order of a doctor's reviews descends by; the last key makes it total."""

MOST_REPORTS = 100
_NEWEST_FIRST = [("createdAt", DESCENDING), ("_id", DESCENDING)]
# as the partial indexes have it: a deleted review has no rating
_STANDS: Document = {"rating": {"$gte": 1}}
_REPLIED: Document = {"reply.at": {"$exists": True}}
# null stands for absent too, as in what an earlier version wrote
_SHOWN: Document = {"hidden": None}

REVIEW_INDEXES = [
    IndexModel([("appointmentId", ASCENDING)], name=ONE_PER_APPOINTMENT, unique=True),
    *(
        IndexModel(
            [("doctorId", ASCENDING), *((key, DESCENDING) for key in keys)],
            name=f"shown_of_doctor_by_{sort}",
            partialFilterExpression=_SHOWN,
        )
        for sort, keys in SORT_KEYS.items()
    ),
    IndexModel([("doctorId", ASCENDING)], name="of_doctor"),
    IndexModel([("patientId", ASCENDING)], name="of_patient"),
    IndexModel([("doctorId", ASCENDING)], name="replied_by", partialFilterExpression=_REPLIED),
    IndexModel([("reports.by", ASCENDING)], name="reported_by", sparse=True),
    IndexModel([("hidden.by", ASCENDING)], name="hidden_by", sparse=True),
    IndexModel(_NEWEST_FIRST, name="by_time", partialFilterExpression=_STANDS),
    IndexModel([("reported", ASCENDING), *_NEWEST_FIRST], name="reported_by_time", partialFilterExpression=_STANDS),
    outbox.INDEX,
]


class ReviewStore:
    """The only place that talks to the collection of reviews."""

    def __init__(self, database: Database) -> None:
        self._reviews = database[REVIEWS]

    def add(self, review: Document, session: ClientSession) -> None:
        """Raises DuplicateKeyError (``ONE_PER_APPOINTMENT``) if the appointment has, or had, a review."""
        self._reviews.insert_one(review, session=session)

    def one(self, review_id: str, session: ClientSession | None = None) -> Document | None:
        """A review that stands; None if there is none or it was deleted."""
        return self._reviews.find_one({"_id": review_id, **_STANDS}, {outbox.FIELD: 0}, session=session)

    def of_appointment(self, appointment_id: str) -> Document | None:
        """The review of an appointment, if it stands."""
        return self._reviews.find_one({"appointmentId": appointment_id, **_STANDS}, {outbox.FIELD: 0})

    def change(
        self, review: Document, changes: Document, told: Sequence[Event], session: ClientSession
    ) -> Document | None:
        """Set fields of the review as it was read, as its next version, announcing ``told``; None if it changed."""
        same = {key: review[key] for key in ("_id", "patientId", "doctorId", "version")}
        update = {"$set": changes, "$inc": {"version": 1}, "$push": outbox.announce(*told)}
        return update_and_read(self._reviews, same, update, projection={outbox.FIELD: 0}, session=session)

    def report(self, review_id: str, report: Document, session: ClientSession) -> bool:
        """Add a report, once for each person, while the review is public and has room; whether it was added."""
        open_to_it = {
            "_id": review_id,
            **_STANDS,
            "doctorId": {"$ne": None},
            "hidden": None,
            "reports.by": {"$ne": report["by"]},
            f"reports.{MOST_REPORTS - 1}": {"$exists": False},
        }
        update = {"$push": {"reports": report}, "$set": {"reported": True}}
        return self._reviews.update_one(open_to_it, update, session=session).matched_count == 1

    # lists

    def of_doctor(self, doctor_id: str, sort: Sort, after: Sequence[Any] | None, limit: int) -> list[Document]:
        """Up to ``limit`` reviews that anybody may see, from after the key ``after`` (``SORT_KEYS[sort]``) on."""
        keys = SORT_KEYS[sort]
        wanted: Document = {"doctorId": doctor_id, **_SHOWN}
        if after is not None:
            wanted = {"$or": [{**wanted, **step} for step in _beyond(keys, after)]}
        order = [(key, DESCENDING) for key in keys]
        return list(self._reviews.find(wanted, {outbox.FIELD: 0}).sort(order).limit(limit))

    def all(self, reported: bool | None, after: Sequence[Any] | None, limit: int) -> list[Document]:
        """Up to ``limit`` reviews, newest first, from after (createdAt, _id) on; None for reported or not."""
        wanted: Document = dict(_STANDS)
        if reported is not None:
            wanted["reported"] = reported or None
        if after is not None:
            at, identifier = after
            # one range, not one for each key: with null as ``reported`` the ranges of an $or are sorted in memory
            wanted |= {"createdAt": {"$lte": at}, "$nor": [{"createdAt": at, "_id": {"$gte": identifier}}]}
        return list(self._reviews.find(wanted, {outbox.FIELD: 0}).sort(_NEWEST_FIRST).limit(limit))

    def stars(self, since: datetime, until: datetime) -> dict[int, int]:
        """{stars: how many of the public reviews that were written from ``since`` until before ``until``}."""
        where = {**_STANDS, "doctorId": {"$ne": None}, **_SHOWN, "createdAt": {"$gte": since, "$lt": until}}
        groups = [{"$match": where}, {"$group": {"_id": "$rating", "count": {"$sum": 1}}}]
        return {group["_id"]: group["count"] for group in self._reviews.aggregate(groups, hint="by_time")}

    def by_author(self, patient_id: str) -> list[Document]:
        """All that the patient wrote, earliest first."""
        return _earliest_first(self._reviews.find({"patientId": patient_id}, {outbox.FIELD: 0}))

    def replied_by(self, doctor_id: str) -> list[Document]:
        """{_id, createdAt, reply} of the reviews that the doctor replied to, earliest first."""
        wanted = {"doctorId": doctor_id, **_REPLIED}
        return _earliest_first(self._reviews.find(wanted, {"createdAt": 1, "reply": 1}).hint("replied_by"))

    def reported_by(self, user_id: str) -> list[Document]:
        """{_id, createdAt, reports} with that person's report alone, of the reviews reported, earliest first."""
        shown = {"createdAt": 1, "reports": {"$elemMatch": {"by": user_id}}}
        return _earliest_first(self._reviews.find({"reports.by": user_id}, shown))

    # erasure

    def erase(self, user_id: str, now: datetime, session: ClientSession) -> None:
        """Forget a person: author, reviewed doctor, reporter or moderator. Of the reviews rating and time stay."""
        anonymous: Document = {
            "patientId": None,
            "comment": None,
            "author": FORMER_PATIENT,
            "reply": None,
            "reports": [],
            "reported": None,
            "updatedAt": now,
        }
        people: tuple[tuple[Document, Document], ...] = (
            ({"patientId": user_id}, anonymous),
            ({"doctorId": user_id}, {**anonymous, "doctorId": None}),
        )
        for theirs, left in people:
            # a hidden review stays hidden; why may tell of the text
            self._reviews.update_many(
                {**theirs, "hidden.at": {"$exists": True}}, {"$set": {"hidden.reason": None}}, session=session
            )
            self._reviews.update_many(theirs, {"$set": left, "$inc": {"version": 1}}, session=session)
        self._reviews.update_many(
            {"reports.by": user_id},
            {"$set": {"reports.$[their].by": None, "reports.$[their].reason": None}},
            array_filters=[{"their.by": user_id}],
            session=session,
        )
        self._reviews.update_many({"hidden.by": user_id}, {"$set": {"hidden.by": None}}, session=session)


def _earliest_first(found: Any) -> list[Document]:
    return sorted(found, key=lambda review: (review["createdAt"], review["_id"]))


def _beyond(keys: Sequence[str], after: Sequence[Any]) -> list[Document]:
    """What follows ``after`` in the descending order of ``keys``: one range of the index for each key.

    >>> _beyond(["a", "b"], [1, 2])
    [{'a': {'$lt': 1}}, {'a': 1, 'b': {'$lt': 2}}]
    """
    return [
        {**dict(zip(keys[:place], after, strict=False)), key: {"$lt": after[place]}} for place, key in enumerate(keys)
    ]
