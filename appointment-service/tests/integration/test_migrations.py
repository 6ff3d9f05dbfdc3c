"""Migrations forward, back and forward again."""

from collections.abc import Iterator

import pytest

from appointment_service import store
from chassis.migrations import Migrator, migrations_in
from chassis.mongo import Database, Document

PACKAGE = "appointment_service.migrations"


def appointment(name: str, *by: str | None, patient: str | None = "patient") -> Document:
    history = [{"status": "BOOKED", "by": who, "reason": "why"} for who in by]
    return {"_id": name, "patientId": patient, "doctorId": "doctor", "version": 3, "history": history}


@pytest.fixture
def database(fresh_mongodb_uri: str) -> Iterator[Database]:
    made = Database(fresh_mongodb_uri, "migrations")
    made["appointments"].insert_many(
        [
            appointment("own", "patient", "doctor", "system"),
            appointment("by an admin", "patient", "boss"),
            appointment("of somebody erased", None, "boss", patient=None),
        ]
    )
    yield made
    made.close()


def histories(database: Database) -> dict[str, list[str | None]]:
    return {item["_id"]: [line["by"] for line in item["history"]] for item in database["appointments"].find()}


def test_histories_forget_which_admin_it_was(database: Database) -> None:
    migrator = Migrator(database, PACKAGE, store.INDEXES)
    expected = {
        "own": ["patient", "doctor", "system"],
        "by an admin": ["patient", "admin"],
        "of somebody erased": [None, "admin"],
    }
    assert migrator.up() == ["001_admins_without_id"]
    assert histories(database) == expected
    changed = database["appointments"].find_one({"_id": "by an admin"})
    assert changed == appointment("by an admin", "patient", "admin")
    assert migrator.down() == ["001_admins_without_id"]
    assert migrator.up() == ["001_admins_without_id"]
    assert histories(database) == expected


def test_each_step_may_be_repeated(database: Database) -> None:
    (migration,) = migrations_in(PACKAGE)
    for step in (migration.module.forward, migration.module.back):
        step(database.db)
        once = histories(database)
        step(database.db)
        assert histories(database) == once
