"""Migrations forward, back and forward again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pymongo import WriteConcern

from appointment_service import store
from chassis.clock import now
from chassis.migrations import Migrator, migrations_in
from chassis.mongo import Database, Document
from devkit.migrating import forward_back_forward

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
    # a held slot has none
    held: Document = {"_id": "held", "patientId": "patient", "doctorId": "doctor", "status": "HELD"}
    database["appointments"].insert_one(held)
    migrator.repeat()
    assert database["appointments"].find_one_and_delete({"_id": "held"}) == held
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


def test_every_appointment_knows_its_doctors_date_also_after_an_older_process_moved_it(database: Database) -> None:
    late = datetime(2026, 3, 29, 23, 30, tzinfo=UTC)
    zones = {"UTC": "2026-03-29", "Pacific/Auckland": "2026-03-30", "America/New_York": "2026-03-29"}
    database["appointments"].delete_many({})
    database["appointments"].insert_many([{"_id": zone, "start": late, "timezone": zone} for zone in zones])
    database["appointments"].insert_one({"_id": "moved", "start": late, "timezone": "UTC", "day": "2026-03-28"})
    (migration,) = (one for one in migrations_in(PACKAGE) if one.name.startswith("002_"))
    for _ in range(2):
        migration.module.forward(database.db)
        days = {found["_id"]: found["day"] for found in database["appointments"].find()}
        assert days == {**zones, "moved": "2026-03-29"}


# a year of a busy clinic

APPOINTMENTS, DOCTORS = 20_000, 40
NEW_YEAR = datetime(2025, 1, 1, 7, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Pacific/Auckland")


def old_appointment(name: str, number: int) -> Document:
    """One as the version before the first migration stored it: no date, a history that names admins."""
    start = NEW_YEAR + timedelta(days=number % 365, minutes=15 * (number // 365 // DOCTORS))
    doctor, patient = f"doctor {number % DOCTORS}", f"patient {number % 3_000}"
    canceller = ("boss", patient, doctor, "system")[number % 4]
    return {
        "_id": name,
        "doctorId": doctor,
        "patientId": patient,
        "start": start,
        "end": start + timedelta(minutes=15),
        "timezone": ZONES[number % 3],
        "status": "CANCELLED" if number % 9 == 0 else "COMPLETED",
        "version": 2,
        "reason": None,
        "cancellationNoticeMinutes": 0,
        "unattendedOutcome": "COMPLETED",
        "history": [
            {"status": "BOOKED", "at": start, "by": patient},
            {"status": "CANCELLED", "at": start, "by": canceller, "reason": "why"},
        ],
        "createdAt": start,
        "updatedAt": start,
        "outbox": [],
    }


def test_a_years_appointments_go_forward_back_and_forward_while_an_older_process_works(
    fresh_mongodb_uri: str,
) -> None:
    database = Database(fresh_mongodb_uri, "appointment-service")
    appointments = database["appointments"]
    # as fast as the server takes them: what matters comes after
    careless = appointments.with_options(write_concern=WriteConcern(1))
    careless.insert_many((old_appointment(f"a{number}", number) for number in range(APPOINTMENTS)), ordered=False)
    calendar = {"calendar": {"timezone": "UTC"}, "version": 1, "accountActive": True, "accountVersion": 0}
    database["calendars"].insert_many({"_id": f"doctor {number}", **calendar} for number in range(DOCTORS))
    moved: dict[str, datetime] = {}

    def old_write(number: int) -> list[str]:
        booked, held = f"old {number}", f"a{number * 7 % APPOINTMENTS}"
        appointments.insert_one(old_appointment(booked, number))
        start = NEW_YEAR + timedelta(days=number % 700, hours=14)
        change: Document = {"$set": {"start": start}, "$inc": {"version": 1}}
        change["$push"] = {"history": {"status": "BOOKED", "by": "boss", "at": start}}
        appointments.update_one({"_id": held}, change)
        moved[held] = start
        return [booked, held]

    migrator = Migrator(database, PACKAGE, store.INDEXES)
    volatile = {"lookAt", "capacityAt"}
    after = forward_back_forward(database, migrator, old_write, volatile)
    written = {name: item for name, item in after["appointments"].items() if name.startswith("old ")}
    assert len(after["appointments"]) == APPOINTMENTS + len(written)
    for name, item in after["appointments"].items():
        number = int(name.removeprefix("old ").removeprefix("a"))
        before = old_appointment(name, number)
        lines = [*before["history"], *([{"status": "BOOKED", "by": "admin"}] if name in moved else [])]
        by = [line["by"] if line["by"] != "boss" else "admin" for line in lines]
        start = moved.get(name, before["start"])
        # lines of several moves are alike
        assert [line["by"] for line in item["history"]][: len(by)] == by
        assert "boss" not in {line["by"] for line in item["history"]}
        day = start.astimezone(ZoneInfo(before["timezone"])).date().isoformat()
        changed = {"start": start, "day": day, "history": item["history"], "version": item["version"]}
        assert item == {**before, **changed}
    database.close()
