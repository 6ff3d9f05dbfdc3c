"""Migrations forward, back and forward again."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from appointment_service import store
from chassis.clock import now
from chassis.migrations import Migrator, migrations_in
from chassis.mongo import Database, Document

PACKAGE = "appointment_service.migrations"


def appointment(name: str, *by: str | None, patient: str | None = "patient") -> Document:
    history = [{"status": "BOOKED", "by": who, "reason": "why"} for who in by]
    made = {"_id": name, "patientId": patient, "doctorId": "doctor", "version": 3, "history": history}
    return {**made, "day": "2026-03-02"}


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
    names = [migration.name for migration in migrations_in(PACKAGE)]
    assert migrator.up() == names
    assert histories(database) == expected
    changed = database["appointments"].find_one({"_id": "by an admin"})
    assert changed == appointment("by an admin", "patient", "admin")
    assert migrator.down("000") == names[::-1]
    assert migrator.up() == names
    assert histories(database) == expected


def test_each_step_may_be_repeated(database: Database) -> None:
    for migration in migrations_in(PACKAGE):
        for step in (migration.module.forward, migration.module.back):
            step(database.db)
            once = histories(database)
            step(database.db)
            assert histories(database) == once


def test_doctors_with_a_calendar_are_looked_at_for_their_next_free_slot(database: Database) -> None:
    database["calendars"].insert_many(
        [
            {"_id": "doctor", "calendar": {"timezone": "UTC"}, "openingVersion": 3},
            {"_id": "without", "calendar": None},
            {"_id": "patient", "accountActive": False},
        ]
    )
    Migrator(database, PACKAGE, store.INDEXES).up()
    due = list(database["calendars"].find({"lookAt": {"$lte": now()}}, hint="look"))
    assert [(doctor["_id"], doctor["openingVersion"]) for doctor in due] == [("doctor", 3)]


def test_every_appointment_knows_its_doctors_date_and_one_that_knows_keeps_it(database: Database) -> None:
    late = datetime(2026, 3, 29, 23, 30, tzinfo=UTC)
    zones = {"UTC": "2026-03-29", "Pacific/Auckland": "2026-03-30", "America/New_York": "2026-03-29"}
    database["appointments"].delete_many({})
    database["appointments"].insert_many([{"_id": zone, "start": late, "timezone": zone} for zone in zones])
    database["appointments"].insert_one({"_id": "known", "start": late, "timezone": "UTC", "day": "2026-03-28"})
    (migration,) = (one for one in migrations_in(PACKAGE) if one.name.startswith("002_"))
    migration.module.forward(database.db)
    days = {found["_id"]: found["day"] for found in database["appointments"].find()}
    assert days == {**zones, "known": "2026-03-28"}
