"""Migrations forward, back and forward again."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import ASCENDING, DESCENDING, IndexModel

from chassis.clock import now
from chassis.migrations import Migrator, migrations_in
from chassis.mongo import Database
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
