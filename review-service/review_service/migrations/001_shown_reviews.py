"""Reviews can be hidden, answered and reported: the lists go by indexes of what is shown.

Forward adds no field: absent means not hidden, not answered, not reported, and the version before may go on writing.
"""

from collections import Counter
from functools import partial

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from chassis.migrations import update_in_batches
from chassis.mongo import Document

_BEFORE = ("of_doctor_by_recent", "of_doctor_by_rating")
_ADDED = ("hidden", "reply", "reports", "reported")
_AFTER = (
    "shown_of_doctor_by_recent",
    "shown_of_doctor_by_rating",
    "of_doctor",
    "replied_by",
    "reported_by",
    "hidden_by",
    "by_time",
    "reported_by_time",
)


def forward(db: Database[Document]) -> None:
    """Drop the indexes that no list goes by any more."""
    _drop(db, _BEFORE)


def back(db: Database[Document]) -> None:
    """Remove what the version before neither shows nor erases: replies, reports, and that a review is hidden.

    It shows what was hidden, so that counts again. No card hears of it before the doctor's next review.
    """
    reviews = db["reviews"]
    # before the flags go: a runner that died in between counts the same again
    for doctor_id in reviews.distinct("doctorId", {"hidden.at": {"$exists": True}, "doctorId": {"$ne": None}}):
        with db.client.start_session() as session:
            # a review that is written meanwhile counts itself in the same document, so one of the two is repeated
            session.with_transaction(partial(_recount, db, doctor_id), read_concern=ReadConcern("snapshot"))
    added = {"$or": [{field: {"$exists": True}} for field in _ADDED]}
    update_in_batches(reviews, added, {"$unset": dict.fromkeys(_ADDED, "")})
    _drop(db, _AFTER)


def _recount(db: Database[Document], doctor_id: str, session: ClientSession) -> None:
    """Count all of a doctor's reviews that were not deleted, hidden or not."""
    of_doctor = {"doctorId": doctor_id, "rating": {"$gte": 1}}
    given = Counter(review["rating"] for review in db["reviews"].find(of_doctor, {"rating": 1}, session=session))
    figures = {
        "count": given.total(),
        "sum": sum(stars * times for stars, times in given.items()),
        "histogram": {str(stars): times for stars, times in given.items()},
    }
    db["ratings"].update_one({"_id": doctor_id}, {"$set": figures, "$inc": {"version": 1}}, session=session)


def _drop(db: Database[Document], names: tuple[str, ...]) -> None:
    if "reviews" in db.list_collection_names():
        for name in db["reviews"].index_information().keys() & set(names):
            db["reviews"].drop_index(name)
