"""Migrations forward, back and forward again."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.client_session import ClientSession

from chassis.clock import now
from chassis.migrations import Migrator, migrations_in
from chassis.mongo import Database, Document
from devkit.migrating import forward_back_forward
from review_service import store
from review_service.domain import Sort

PACKAGE = "review_service.migrations"


@pytest.fixture
def database(fresh_mongodb_uri: str) -> Iterator[Database]:
    made = Database(fresh_mongodb_uri, "migrations")
    at = now()
    common = {"doctorId": "d", "comment": None, "createdAt": at, "version": 1}
    made["reviews"].insert_many(
        [
            {"_id": "old", "appointmentId": "a", "rating": 5, **common},
            {"_id": "shown", "appointmentId": "b", "rating": 3, **common, "reply": {"text": "x", "at": at}},
            {
                **common,
                "_id": "hidden",
                "appointmentId": "c",
                "rating": 1,
                "hidden": {"reason": "x", "at": at, "by": "admin"},
                "reports": [{"by": "reporter", "reason": "x", "at": at}],
                "reported": True,
            },
            {"_id": "deleted", "appointmentId": "e", **common, "doctorId": None, "rating": None},
        ]
    )
    rating = {"_id": "d", "count": 2, "sum": 8, "histogram": {"1": 0, "3": 1, "5": 1}, "version": 7}
    made["ratings"].insert_one(rating)
    yield made
    made.close()


def held(database: Database) -> tuple[Any, ...]:
    figures = [{**rating, "version": None} for rating in database["ratings"].find()]
    return list(database["reviews"].find().sort("_id")), figures, set(database["reviews"].index_information())


def test_what_the_version_before_wrote_is_listed_and_what_is_hidden_is_not(database: Database) -> None:
    before = IndexModel([("doctorId", ASCENDING), ("createdAt", DESCENDING)], name="of_doctor_by_recent")
    database["reviews"].create_indexes([before])
    assert Migrator(database, PACKAGE, store.INDEXES).up() == ["001_shown_reviews"]
    assert "of_doctor_by_recent" not in database["reviews"].index_information()
    listed = store.ReviewStore(database).of_doctor("d", Sort.RECENT, None, 9)
    assert {review["_id"] for review in listed} == {"old", "shown"}


def test_back_leaves_nothing_that_the_version_before_cannot_erase_and_counts_what_it_shows(database: Database) -> None:
    migrator = Migrator(database, PACKAGE, store.INDEXES)
    migrator.up()
    assert migrator.down() == ["001_shown_reviews"]
    assert not any({"reply", "reports", "reported", "hidden"} & review.keys() for review in database["reviews"].find())
    rating = database["ratings"].find_one({"_id": "d"})
    assert rating == {"_id": "d", "count": 3, "sum": 9, "histogram": {"1": 1, "3": 1, "5": 1}, "version": 8}
    assert set(database["reviews"].index_information()) == {
        "_id_",
        "appointment_unique",
        "of_patient",
        "outbox_pending",
    }
    migrator.up()
    assert "shown_of_doctor_by_recent" in database["reviews"].index_information()


def test_each_step_may_be_repeated(database: Database) -> None:
    (only,) = migrations_in(PACKAGE)
    for step in (only.module.forward, only.module.back):
        step(database.db)
        once = held(database)
        step(database.db)
        assert held(database) == once


def test_a_years_reviews_go_forward_back_and_forward_while_an_older_process_works(fresh_mongodb_uri: str) -> None:
    database = Database(fresh_mongodb_uri, "review-service")
    at = now()
    count, doctors = 5_000, 50

    def review(name: str, number: int) -> Document:
        of = {"appointmentId": name, "doctorId": f"d{number % doctors}", "patientId": f"p{number}"}
        return {"_id": name, **of, "rating": number % 5 + 1, "comment": None, "createdAt": at, "version": 1}

    # every tenth was hidden, answered and reported once: as the version before it was run again
    more = {"hidden": {"reason": "x", "at": at, "by": "admin"}, "reply": {"text": "x", "at": at}, "reported": True}
    reviews = [{**review(f"r{n}", n), **(more if n % 10 == 0 else {})} for n in range(count)]
    database["reviews"].insert_many(reviews)
    shown = Counter((review["doctorId"], review["rating"]) for review in reviews if "hidden" not in review)

    def rating(doctor: str, given: Counter[tuple[str, int]]) -> Document:
        histogram = {str(stars): given[doctor, stars] for stars in range(1, 6) if given[doctor, stars]}
        total = sum(int(stars) * times for stars, times in histogram.items())
        return {"count": sum(histogram.values()), "sum": total, "histogram": histogram}

    database["ratings"].insert_many({"_id": f"d{n}", **rating(f"d{n}", shown), "version": 1} for n in range(doctors))

    def old_write(number: int) -> list[str]:
        new = review(f"new{number}", number)

        def post(session: ClientSession) -> None:
            database["reviews"].insert_one(new, session=session)
            step = {"count": 1, "sum": new["rating"], f"histogram.{new['rating']}": 1, "version": 1}
            database["ratings"].update_one({"_id": new["doctorId"]}, {"$inc": step}, session=session)

        database.transact(post)
        return [new["_id"]]

    # what is hidden the version before shows and counts, and it could not erase what was answered and reported
    lost = {*more, "count", "sum", "histogram", "version"}
    migrator = Migrator(database, PACKAGE, store.INDEXES)
    after = forward_back_forward(database, migrator, old_write, lost)
    assert all(held == review(name, int(name.strip("rnew"))) for name, held in after["reviews"].items())
    written = len(after["reviews"]) - count
    every = Counter(
        (review["doctorId"], review["rating"]) for review in (*reviews, *(review("", n) for n in range(written)))
    )
    for doctor, held in after["ratings"].items():
        assert {**held, "version": 0} == {"_id": doctor, **rating(doctor, every), "version": 0}
    database.close()
