"""Migrations forward, back and forward again."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import ASCENDING, IndexModel

from chassis.migrations import Migrator, migrations_in
from chassis.mongo import Database
from doctor_service import store

PACKAGE = "doctor_service.migrations"
ADDED = {"visible": True, "accepting": True, "availability": None, "overrides": []}


@pytest.fixture
def database(fresh_mongodb_uri: str) -> Iterator[Database]:
    made = Database(fresh_mongodb_uri, "migrations")
    made["doctors"].insert_many(
        [
            {"_id": "approved", "moderationStatus": "APPROVED", "active": True},
            {"_id": "pending", "moderationStatus": "PENDING", "active": True},
            {"_id": "away", "moderationStatus": "APPROVED", "active": False},
            {
                "_id": "newer",
                "moderationStatus": "APPROVED",
                "active": True,
                **ADDED,
                "visible": False,
                "listed": False,
            },
        ]
    )
    yield made
    made.close()


def doctors(database: Database) -> dict[str, dict[str, Any]]:
    return {doctor["_id"]: doctor for doctor in database["doctors"].find()}


def test_doctors_get_visibility_and_availability(database: Database) -> None:
    migrator = Migrator(database, PACKAGE, store.INDEXES)
    before = doctors(database)
    assert migrator.up() == ["001_availability_and_visibility_fields", "002_search_by_keys"]
    forward = doctors(database)
    assert {name: doctor["listed"] for name, doctor in forward.items()} == {
        "approved": True,
        "pending": False,
        "away": False,
        "newer": False,
    }
    assert all(forward[name].items() >= ADDED.items() for name in ("approved", "pending", "away"))
    assert forward["newer"] == before["newer"]

    assert migrator.down("000") == ["002_search_by_keys", "001_availability_and_visibility_fields"]
    assert doctors(database)["approved"] == before["approved"]
    assert not any({*ADDED, "listed"} & doctor.keys() for doctor in doctors(database).values())

    migrator.up()
    assert doctors(database)["approved"] == forward["approved"]


def test_each_step_may_be_repeated(database: Database) -> None:
    first, second = migrations_in(PACKAGE)
    for step in (first.module.forward, second.module.forward, second.module.back, first.module.back):
        step(database.db)
        once = doctors(database), database["doctors"].index_information()
        step(database.db)
        assert (doctors(database), database["doctors"].index_information()) == once


def test_the_indexes_of_before_the_keys_go_and_come_again_with_the_version_before(database: Database) -> None:
    before = IndexModel(
        [("search.words", ASCENDING)], name="listed_with_word", partialFilterExpression={"listed": True}
    )
    database["doctors"].create_indexes([before])
    migrator = Migrator(database, PACKAGE, store.INDEXES)
    migrator.up()
    named = database["doctors"].index_information().keys()
    assert "listed_with_word" not in named
    assert "listed_keys_by_name" in named
    database["doctors"].update_one({"_id": "approved"}, {"$set": {"search": {"keys": ["a:yes"], "name": "a"}}})
    migrator.down()
    assert not [name for name in database["doctors"].index_information() if "keys" in name]
    assert doctors(database)["approved"]["search"] == {"name": "a"}


def test_a_second_start_has_nothing_to_do(database: Database) -> None:
    Migrator(database, PACKAGE, store.INDEXES).up()
    assert Migrator(database, PACKAGE, store.INDEXES).up() == []
