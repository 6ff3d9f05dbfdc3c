"""Migrations forward, back and forward again."""

from collections.abc import Iterator
from typing import Any

import pytest

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
    assert migrator.up() == ["001_availability_and_visibility_fields"]
    forward = doctors(database)
    assert {name: doctor["listed"] for name, doctor in forward.items()} == {
        "approved": True,
        "pending": False,
        "away": False,
        "newer": False,
    }
    assert all(forward[name].items() >= ADDED.items() for name in ("approved", "pending", "away"))
    assert forward["newer"] == before["newer"]

    assert migrator.down() == ["001_availability_and_visibility_fields"]
    assert doctors(database)["approved"] == before["approved"]
    assert not any({*ADDED, "listed"} & doctor.keys() for doctor in doctors(database).values())

    assert migrator.up() == ["001_availability_and_visibility_fields"]
    assert doctors(database)["approved"] == forward["approved"]


def test_each_step_may_be_repeated(database: Database) -> None:
    (migration,) = migrations_in(PACKAGE)
    for step in (migration.module.forward, migration.module.back):
        step(database.db)
        once = doctors(database)
        step(database.db)
        assert doctors(database) == once


def test_a_second_start_has_nothing_to_do(database: Database) -> None:
    Migrator(database, PACKAGE, store.INDEXES).up()
    assert Migrator(database, PACKAGE, store.INDEXES).up() == []
