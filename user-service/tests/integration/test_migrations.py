"""001_soft_delete_fields: forward, back, forward again; with users of before, and two runners at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from threading import Barrier
from typing import Any

import pytest

from chassis.migrations import Migrator
from chassis.mongo import Database
from user_service import store

NAME = "001_soft_delete_fields"
THEN = datetime(2026, 3, 1, tzinfo=UTC)
MADE = {"status": "ACTIVE", "deletion": None, "scheduledDeletionAt": None}
DELETED = {"status": "DELETED", "deletion": {"reason": "OTHER"}, "scheduledDeletionAt": THEN}
BEFORE: dict[str, dict[str, Any]] = {
    "old": {},
    "half-way": {"status": "ACTIVE"},
    "new": MADE,
    "deleted": DELETED,
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


def fields(database: Database) -> dict[str, dict[str, Any]]:
    users = database["users"].find()
    return {user["_id"]: {key: value for key, value in user.items() if key not in ("_id", "email")} for user in users}


def history(database: Database) -> list[str]:
    record = database["migrations"].find_one({"_id": NAME})
    assert record
    return [entry["state"] for entry in record["history"]]


def test_forward_back_and_forward_again(database: Database) -> None:
    run = migrator(database)
    forward = {"old": MADE, "half-way": MADE, "new": MADE, "deleted": DELETED}
    assert run.up() == [NAME]
    assert fields(database) == forward
    assert run.up() == []
    assert run.down() == [NAME]
    # a deleted account stays deleted
    assert fields(database) == {"old": {}, "half-way": {}, "new": {}, "deleted": DELETED}
    assert run.pending() == [NAME]
    assert run.up() == [NAME]
    assert fields(database) == forward
    assert history(database) == ["applied", "reverted", "applied"]


def test_each_way_is_safe_to_repeat(database: Database) -> None:
    module = import_module(f"user_service.migrations.{NAME}")
    for step in (module.forward, module.back):
        step(database.db)
        once = fields(database)
        step(database.db)
        assert fields(database) == once


def test_many_batches_reach_every_user(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module(f"user_service.migrations.{NAME}")
    monkeypatch.setattr(module, "BATCH", 7)
    for count in (0, 1, 6, 7, 8, 50):
        database["users"].delete_many({})
        if count:
            users = [{"_id": f"{number:03}", "email": str(number)} for number in range(count)]
            database["users"].insert_many(users)
        module.forward(database.db)
        assert list(fields(database).values()) == [MADE] * count


def test_of_two_runners_at_once_one_migrates(database: Database) -> None:
    barrier = Barrier(2)

    def start(_: int) -> list[str]:
        own = migrator(database)
        barrier.wait()
        return own.up()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(start, range(2))) == [[], [NAME]]
    assert history(database) == ["applied"]
    assert fields(database)["old"] == MADE
