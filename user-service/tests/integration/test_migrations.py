"""Each migration: forward, back, forward again; with documents of before, and two runners at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from threading import Barrier
from typing import Any

import pytest

from chassis.migrations import Migrator
from chassis.mongo import Database
from devkit.migrating import forward_back_forward
from user_service import store

SOFT_DELETE, CLOSURES = NAMES = ["001_soft_delete_fields", "002_closures_and_announcements"]
THEN = datetime(2026, 3, 1, tzinfo=UTC)
LATER = datetime(2026, 3, 2, tzinfo=UTC)
MADE = {"status": "ACTIVE", "deletion": None, "scheduledDeletionAt": None}
DELETED = {"status": "DELETED", "deletion": {"requestedAt": THEN}, "scheduledDeletionAt": LATER}
SUSPENDED = {**MADE, "status": "SUSPENDED", "suspension": {"reason": "No-shows.", "at": THEN}, "closedAt": THEN}
OPEN: dict[str, Any] = {"suspension": None, "closedAt": None}
BEFORE: dict[str, dict[str, Any]] = {
    "old": {},
    "half-way": {"status": "ACTIVE"},
    "new": MADE,
    "deleted": DELETED,
    "suspended": SUSPENDED,
}
AFTER_001 = {"old": MADE, "half-way": MADE, "new": MADE, "deleted": DELETED, "suspended": SUSPENDED}
AFTER_002 = {
    **{name: {**MADE, **OPEN} for name in ("old", "half-way", "new")},
    "deleted": {**DELETED, **OPEN, "closedAt": THEN},
    "suspended": SUSPENDED,
}


@pytest.fixture
def database(fresh_mongodb_uri: str) -> Iterator[Database]:
    made = Database(fresh_mongodb_uri, "user-service")
    made["users"].insert_many(
        [{"_id": name, "email": f"{name}@clinic.example", **fields} for name, fields in BEFORE.items()]
    )
    yield made
    made.close()


def migrator(database: Database) -> Migrator:
    return Migrator(database, "user_service.migrations", store.INDEXES)


def fields(database: Database, collection: str = "users") -> dict[str, dict[str, Any]]:
    found = database[collection].find()
    return {item["_id"]: {key: value for key, value in item.items() if key not in ("_id", "email")} for item in found}


def history(database: Database, name: str) -> list[str]:
    record = database["migrations"].find_one({"_id": name})
    assert record
    return [entry["state"] for entry in record["history"]]


def test_forward_back_and_forward_again(database: Database) -> None:
    run = migrator(database)
    assert run.up() == NAMES
    assert fields(database) == AFTER_002
    assert run.up() == []
    assert run.down() == [CLOSURES]
    # why an account is suspended stays
    assert fields(database) == AFTER_001
    assert run.down() == [SOFT_DELETE]
    # a deleted account stays deleted
    kept = {"deleted": DELETED, "suspended": SUSPENDED}
    assert fields(database) == {"old": {}, "half-way": {}, "new": {}, **kept}
    assert run.pending() == NAMES
    assert run.up() == NAMES
    assert fields(database) == AFTER_002
    assert [history(database, name) for name in NAMES] == [["applied", "reverted", "applied"]] * 2


@pytest.mark.parametrize("name", NAMES)
def test_each_way_is_safe_to_repeat(database: Database, name: str) -> None:
    import_module(f"user_service.migrations.{SOFT_DELETE}").forward(database.db)
    module = import_module(f"user_service.migrations.{name}")
    for step in (module.forward, module.back):
        step(database.db)
        once = fields(database)
        step(database.db)
        assert fields(database) == once


def test_an_erasure_of_before_can_be_announced_again(database: Database) -> None:
    known = {"role": "doctor", "startedAt": THEN, "awaiting": ["review-service"], "completedAt": None}
    new = {**known, "version": 7, "announcements": 3, "announcedAt": LATER}
    database["erasures"].insert_many([{"_id": "old", **known}, {"_id": "new", **new}])
    run = migrator(database)
    run.up()
    last_version = import_module(f"user_service.migrations.{CLOSURES}").LAST_VERSION
    told = {"announcements": 1, "announcedAt": THEN, "version": last_version}
    assert fields(database, "erasures") == {"old": {**known, **told}, "new": new}
    run.down()
    # the version of somebody erased can't be told again
    assert fields(database, "erasures") == {"old": {**known, **told}, "new": new}


def test_a_years_users_go_forward_back_and_forward_while_an_older_process_works(database: Database) -> None:
    users = database["users"]
    users.delete_many({})

    def user(name: str) -> dict[str, Any]:
        return {"_id": name, "email": f"{name}@clinic.example", "name": name, "role": "patient", "version": 1}

    users.insert_many(user(f"u{number}") for number in range(5_000))
    users.insert_many({**user(f"s{number}"), **SUSPENDED} for number in range(100))

    def old_write(number: int) -> list[str]:
        # one before both migrations signs somebody up, one before the second deletes and recovers accounts
        users.insert_one(user(f"new{number}"))
        deleted, recovered = f"u{number * 2}", f"u{number * 2 + 1}"
        users.update_one({"_id": deleted}, {"$set": DELETED})
        users.update_one({"_id": recovered}, {"$set": DELETED})
        users.update_one({"_id": recovered}, {"$set": MADE})
        return [f"new{number}", deleted, recovered]

    after = forward_back_forward(database, migrator(database), old_write, set())["users"]
    written = {name.removeprefix("new") for name in after if name.startswith("new")}
    assert len(after) == 5_100 + len(written)
    for name, held in after.items():
        if name.startswith("s"):
            assert held == {**user(name), **SUSPENDED}
        elif name.startswith("u") and int(name[1:]) % 2 == 0 and str(int(name[1:]) // 2) in written:
            assert held == {**user(name), **DELETED, **OPEN, "closedAt": THEN}
        else:
            assert held == {**user(name), **MADE, **OPEN}


def test_of_two_runners_at_once_one_migrates(database: Database) -> None:
    barrier = Barrier(2)

    def start(_: int) -> list[str]:
        own = migrator(database)
        barrier.wait()
        return own.up()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(start, range(2))) == [[], NAMES]
    assert history(database, SOFT_DELETE) == ["applied"]
    assert fields(database) == AFTER_002
