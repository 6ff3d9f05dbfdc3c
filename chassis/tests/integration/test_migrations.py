"""Migrations: once, by one runner, forward and back, and what becomes of those that fail or die."""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from pymongo import ASCENDING, IndexModel
from pymongo.errors import OperationFailure

from chassis import migrations
from chassis.clock import now
from chassis.migrations import Migrator, migrations_in
from chassis.mongo import Database

INDEX = IndexModel([("name", ASCENDING)], name="name_unique", unique=True)
STEP = """
import time

def forward(db):
    db["log"].insert_one({{"step": "{name}", "way": "forward"}})
    {extra}

def back(db):
    db["log"].insert_one({{"step": "{name}", "way": "back"}})
"""

Package = Callable[..., str]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_database_name: str) -> Package:
    """Make a package of migrations: ``package(**{"001_first": "what else it does forward"})``."""
    name = f"migrations_{fresh_database_name}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(**steps: str) -> str:
        for step, extra in steps.items():
            (folder / f"{step}.py").write_text(STEP.format(name=step, extra=extra or "pass"))
        for loaded in [module for module in sys.modules if module.startswith(name)]:
            del sys.modules[loaded]
        sys.path_importer_cache.clear()
        return name

    return make


def ran(database: Database) -> list[tuple[str, str]]:
    return [(entry["step"], entry["way"]) for entry in database["log"].find().sort("_id", 1)]


def test_they_run_in_their_order_once_and_are_recorded(database: Database, package: Package) -> None:
    name = package(**{"002_second": "", "001_first": ""})
    migrator = Migrator(database, name, {})
    assert migrator.pending() == ["001_first", "002_second"]
    assert migrator.up() == ["001_first", "002_second"]
    assert migrator.up() == []
    assert ran(database) == [("001_first", "forward"), ("002_second", "forward")]
    assert migrator.applied().keys() == {"001_first", "002_second"}
    assert package(**{"003_third": ""}) == name
    assert Migrator(database, name, {}).up() == ["003_third"]


def test_forward_back_forward_is_a_history(database: Database, package: Package) -> None:
    migrator = Migrator(database, package(**{"001_first": "", "002_second": "", "003_third": ""}), {})
    migrator.up()
    assert migrator.down() == ["003_third"]
    assert migrator.down("001_first") == ["002_second"]
    assert migrator.pending() == ["002_second", "003_third"]
    assert migrator.up() == ["002_second", "003_third"]
    record = database[migrations.COLLECTION].find_one({"_id": "002_second"})
    assert record
    assert [entry["state"] for entry in record["history"]] == ["applied", "reverted", "applied"]
    assert record["state"] == "applied"


def test_any_number_of_runners_at_once_run_each_once(
    database: Database, package: Package, fresh_mongodb_uri: str
) -> None:
    name = package(**{"001_first": "time.sleep(0.3)", "002_second": "time.sleep(0.1)"})
    together = Barrier(4)

    def start(_: int) -> list[str]:
        own = Database(fresh_mongodb_uri, "thing-service")
        migrator = Migrator(own, name, {"things": [INDEX]})
        together.wait()
        try:
            return migrator.up()
        finally:
            own.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(start, range(4)))
    assert sorted(answers) == [[], [], [], ["001_first", "002_second"]]
    assert ran(database) == [("001_first", "forward"), ("002_second", "forward")]
    assert "name_unique" in database["things"].index_information()


def test_a_runner_that_died_is_followed_after_its_lease(
    database: Database, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = now() + timedelta(seconds=1)
    database[migrations.COLLECTION].insert_one({"_id": "lock", "owner": "dead", "expiresAt": until})
    began = time.monotonic()
    assert Migrator(database, package(**{"001_first": ""}), {}).up() == ["001_first"]
    assert time.monotonic() - began > 0.8


def test_a_runner_at_work_keeps_its_lock_longer_than_its_lease(
    database: Database, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LEASE", timedelta(seconds=0.6))
    name = package(**{"001_slow": "time.sleep(2)"})
    together = Barrier(2)

    def start(_: int) -> list[str]:
        migrator = Migrator(database, name, {})
        together.wait()
        return migrator.up()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(start, range(2))) == [[], ["001_slow"]]
    assert ran(database) == [("001_slow", "forward")]


def test_a_lock_that_is_not_given_back_ends_the_waiting(
    database: Database, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "_WAIT_SECONDS", 0.3)
    until = now() + timedelta(seconds=60)
    database[migrations.COLLECTION].insert_one({"_id": "lock", "owner": "busy", "expiresAt": until})
    with pytest.raises(TimeoutError):
        Migrator(database, package(**{"001_first": ""}), {}).up()
    assert ran(database) == []


def test_a_runner_that_lost_its_lock_records_nothing(database: Database, package: Package) -> None:
    stolen = 'db["migrations"].update_one({"_id": "lock"}, {"$set": {"owner": "another"}})'
    migrator = Migrator(database, package(**{"001_first": stolen}), {})
    with pytest.raises(TimeoutError):
        migrator.up()
    assert migrator.applied() == {}
    lock: Any = database[migrations.COLLECTION].find_one({"_id": "lock"})
    assert lock["owner"] == "another"


def test_a_failing_migration_is_not_recorded_and_gives_the_lock_back(database: Database, package: Package) -> None:
    migrator = Migrator(database, package(**{"001_first": "", "002_bad": "raise LookupError", "003_third": ""}), {})
    for _ in range(2):
        with pytest.raises(LookupError):
            migrator.up()
        assert migrator.applied().keys() == {"001_first"}
        assert database[migrations.COLLECTION].find_one({"_id": "lock"}) is None
    assert ("003_third", "forward") not in ran(database)


def test_an_operation_may_take_longer_than_a_request_may(
    database: Database, package: Package, fresh_mongodb_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chassis import mongo

    monkeypatch.setattr(mongo, "OPERATION_SECONDS", 1)
    impatient = Database(fresh_mongodb_uri, "thing-service")
    slow = 'db["log"].find_one({"$where": "sleep(1500) || true"})'
    assert Migrator(impatient, package(**{"001_slow": slow}), {}).up() == ["001_slow"]
    impatient.close()


def test_indexes_are_made_without_any_migration(database: Database, empty_migrations: str) -> None:
    migrator = Migrator(database, empty_migrations, {"things": [INDEX], "others": []})
    assert migrator.up() == []
    assert database["things"].index_information()["name_unique"]["unique"]
    database["things"].drop_index("name_unique")
    migrator.up()
    assert "name_unique" in database["things"].index_information()


def test_a_migration_can_make_the_data_fit_for_a_new_index(database: Database, package: Package) -> None:
    database["things"].insert_many([{"_id": 1, "name": "Lamp"}, {"_id": 2, "name": "Lamp"}])
    with pytest.raises(OperationFailure):
        Migrator(database, package(), {"things": [INDEX]}).up()
    tidied = Migrator(database, package(**{"001_tidy": 'db["things"].delete_one({"_id": 2})'}), {"things": [INDEX]})
    assert tidied.up() == ["001_tidy"]
    assert "name_unique" in database["things"].index_information()


def test_the_lock_is_never_taken_for_a_migration(database: Database, package: Package) -> None:
    inside = 'assert "lock" in {r["_id"] for r in db["migrations"].find()}'
    migrator = Migrator(database, package(**{"001_first": inside}), {})
    migrator.up()
    assert migrator.applied().keys() == {"001_first"}


def test_two_migrations_with_one_number_are_refused(package: Package) -> None:
    name = package(**{"001_first": "", "001_other": ""})
    with pytest.raises(ValueError, match="share a number"):
        migrations_in(name)
