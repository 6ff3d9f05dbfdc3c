"""Migrations forward, back and forward again."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import ASCENDING, IndexModel

from chassis.migrations import Migrator, migrations_in
from chassis.mongo import Database
from devkit.migrating import forward_back_forward
from doctor_service import store
from doctor_service.domain import derived

PACKAGE = "doctor_service.migrations"
FIELDS, INDEXES, KEYS = NAMES = [
    "001_availability_and_visibility_fields",
    "002_search_by_keys",
    "003_keys_as_they_are_made_now",
]
ADDED = {"visible": True, "accepting": True, "availability": None, "overrides": []}


def old_doctor(name: str, **more: Any) -> dict[str, Any]:
    """One as the version before the first migration stored it."""
    return {
        "_id": name,
        "name": f"Doctor {name}",
        "nameVersion": 0,
        "specialty": "Cardiology",
        "bio": None,
        "languages": ["en"],
        "experienceYears": 3,
        "fee": None,
        "clinic": {"name": "Parc", "address": None, "city": "Lyon", "country": "FR"},
        "moderationStatus": "APPROVED",
        "active": True,
        "rating": {"average": 0, "count": 0, "version": 0},
        "followers": 0,
        "search": {"name": f"doctor {name}", "specialty": "cardiology"},
        "version": 2,
        "outbox": [],
        **more,
    }


@pytest.fixture
def database(fresh_mongodb_uri: str) -> Iterator[Database]:
    made = Database(fresh_mongodb_uri, "migrations")
    made["doctors"].insert_many(
        [
            old_doctor("approved"),
            old_doctor("pending", moderationStatus="PENDING"),
            old_doctor("away", active=False),
            old_doctor("newer", **ADDED | {"visible": False, "overrides": [{"date": "2026-03-02"}]}),
        ]
    )
    yield made
    made.close()


def doctors(database: Database) -> dict[str, dict[str, Any]]:
    return {doctor["_id"]: doctor for doctor in database["doctors"].find()}


def test_doctors_get_visibility_availability_and_keys(database: Database) -> None:
    migrator = Migrator(database, PACKAGE, store.INDEXES)
    before = doctors(database)
    assert migrator.up() == NAMES
    forward = doctors(database)
    assert [name for name, doctor in forward.items() if doctor["listed"]] == ["approved"]
    assert all(forward[name].items() >= ADDED.items() for name in ("approved", "pending", "away"))
    assert not forward["newer"]["visible"]
    for doctor in forward.values():
        assert doctor.items() >= derived(doctor).items()
        (told,) = doctor["outbox"]
        assert (told["data"]["version"], told["data"]["clinic"]["city"]) == (3, "Lyon")

    assert migrator.down("000") == NAMES[::-1]
    back = doctors(database)
    assert not {*ADDED, "listed"} & back["approved"].keys()
    kept = before["approved"].keys() - {"search", "version", "outbox"}
    assert {field: back["approved"][field] for field in kept} == {field: before["approved"][field] for field in kept}
    # what the doctor has set is not lost
    assert (back["newer"]["visible"], back["newer"]["overrides"]) == (False, [{"date": "2026-03-02"}])

    migrator.up()
    assert doctors(database) == forward


def test_each_step_may_be_repeated(database: Database) -> None:
    migrations = migrations_in(PACKAGE)
    steps = [migration.module.forward for migration in migrations]
    for step in (*steps, *(migration.module.back for migration in reversed(migrations))):
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
    # a process of the version before that starts meanwhile makes it once more
    database["doctors"].create_indexes([before])
    migrator.repeat()
    assert "listed_with_word" not in database["doctors"].index_information()
    migrator.down(FIELDS)
    assert not [name for name in database["doctors"].index_information() if "keys" in name]


def test_a_second_start_has_nothing_to_do(database: Database) -> None:
    Migrator(database, PACKAGE, store.INDEXES).up()
    assert Migrator(database, PACKAGE, store.INDEXES).up() == []


def test_many_doctors_go_forward_back_and_forward_while_an_older_process_works(database: Database) -> None:
    collection = database["doctors"]
    collection.insert_many(old_doctor(f"d{number}", followers=number) for number in range(2_000))
    written: dict[str, dict[str, Any]] = {}

    def old_write(number: int) -> list[str]:
        new, rated, moderated = f"old{number}", f"d{number * 2}", f"d{number * 2 + 1}"
        collection.insert_one(old_doctor(new))
        rating = {"average": 1 + number % 9 / 2, "count": 1, "version": 1}
        collection.update_one({"_id": rated}, {"$set": {"rating": rating}})
        status = {"moderationStatus": "REJECTED"}
        collection.update_one({"_id": moderated}, {"$set": status, "$inc": {"version": 1}})
        written.update({new: {}, rated: {"rating": rating}, moderated: status})
        return [new, rated, moderated]

    after = forward_back_forward(database, Migrator(database, PACKAGE, store.INDEXES), old_write, set())["doctors"]
    assert len(after) == 2_004 + len(written) // 3
    derivable = {*ADDED, "listed", "search", "version", "outbox"}
    for name, held in after.items():
        assert held.items() >= derived(held).items()
        if name.startswith(("d", "old")):
            followers = int(name[1:]) if name.startswith("d") else 0
            stored = old_doctor(name, followers=followers, **written.get(name, {}))
            assert {key: held[key] for key in stored.keys() - derivable} == {
                key: stored[key] for key in stored.keys() - derivable
            }
            assert held["listed"] is (stored["moderationStatus"] == "APPROVED")
