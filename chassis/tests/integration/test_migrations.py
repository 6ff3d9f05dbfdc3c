"""Migrations: once, by one runner, forward and back, and what becomes of those that fail or die."""

import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Event, Thread
from threading import enumerate as enumerate_threads
from typing import Any

import pytest
from pymongo import ASCENDING, DESCENDING, IndexModel, MongoClient
from pymongo.errors import AutoReconnect
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent
from structlog.testing import capture_logs

from chassis import migrations
from chassis.clock import now
from chassis.migrations import (
    IndexRefused,
    LockHeld,
    LockLost,
    MigrationFailed,
    Migrator,
    NotOurs,
    batches,
    lock,
    migrations_in,
    read_in_batches,
    run,
    runner,
    update_in_batches,
    write_in_batches,
)
from chassis.mongo import Database
from devkit.waiting import eventually

INDEX = IndexModel([("name", ASCENDING)], name="name_unique", unique=True)
STEP = """
import time

def forward(db):
    db["log"].insert_one({{"step": "{name}", "way": "forward"}})
    {extra}

def back(db):
    db["log"].insert_one({{"step": "{name}", "way": "back"}})
    if db["fail back"].find_one():
        raise LookupError
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
    monkeypatch.setattr(lock, "LEASE", timedelta(seconds=1))
    database[migrations.COLLECTION].insert_one({"_id": "lock", "owner": "dead", "expiresAt": now() + lock.LEASE})
    began = time.monotonic()
    assert Migrator(database, package(**{"001_first": ""}), {}).up() == ["001_first"]
    assert time.monotonic() - began > 0.8


def test_no_hosts_clock_decides_who_holds_the_lock(sent: Any, package: Package, fresh_mongodb_uri: str) -> None:
    own = Database(fresh_mongodb_uri, "thing-service")
    Migrator(own, package(**{"001_first": ""}), {}).up()
    own.close()
    for command in ("findAndModify", "update"):
        assert "$$NOW" in str(sent.commands[command])
        assert "datetime" not in str(sent.commands[command])


def test_a_runner_at_work_keeps_its_lock_longer_than_its_lease(
    database: Database, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "LEASE", timedelta(seconds=0.6))
    name = package(**{"001_slow": "time.sleep(1.5)"})
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
    monkeypatch.setattr(lock, "WAIT_SECONDS", 0.3)
    until = now() + timedelta(seconds=60)
    database[migrations.COLLECTION].insert_one({"_id": "lock", "owner": "busy", "expiresAt": until})
    with pytest.raises(LockHeld):
        Migrator(database, package(**{"001_first": ""}), {}).up()
    assert ran(database) == []


def test_a_runner_that_lost_its_lock_records_nothing(database: Database, package: Package) -> None:
    stolen = 'db["migrations"].update_one({"_id": "lock"}, {"$set": {"owner": "another"}})'
    migrator = Migrator(database, package(**{"001_first": stolen}), {})
    with pytest.raises(LockLost):
        migrator.up()
    assert migrator.applied() == {}
    left: Any = database[migrations.COLLECTION].find_one({"_id": "lock"})
    assert left["owner"] == "another"


def test_a_failing_migration_is_recorded_as_failed_and_gives_the_lock_back(
    database: Database, package: Package
) -> None:
    secret = 'raise LookupError("pat@clinic.example")'
    migrator = Migrator(database, package(**{"001_first": "", "002_bad": secret, "003_third": ""}), {})
    for _ in range(2):
        with capture_logs() as logged, pytest.raises(MigrationFailed) as failed:
            migrator.up()
        assert migrator.applied().keys() == {"001_first"}
        assert database[migrations.COLLECTION].find_one({"_id": "lock"}) is None
    assert ("003_third", "forward") not in ran(database)
    record: Any = database[migrations.COLLECTION].find_one({"_id": "002_bad"})
    assert record["failed"]["error"] == "LookupError"
    assert record["failed"]["where"] == "002_bad.py:6"
    assert [(line["alarm"], line["name"]) for line in logged if "alarm" in line] == [("MigrationFailed", "002_bad")]
    # what a migration complains of may be a document's, of a person
    assert not any("pat@" in str(told) for told in (failed.value, failed.value.__cause__, logged, record))

    package(**{"002_bad": ""})
    migrator = Migrator(database, package(), {})
    assert migrator.up() == ["002_bad", "003_third"]
    record = database[migrations.COLLECTION].find_one({"_id": "002_bad"})
    assert "failed" not in record
    assert [entry["state"] for entry in record["history"]] == ["failed", "failed", "applied"]


def test_one_that_was_taken_back_half_way_is_not_in_force(database: Database, package: Package) -> None:
    migrator = Migrator(database, package(**{"001_first": "", "002_second": ""}), {})
    migrator.up()
    database["fail back"].insert_one({})
    with pytest.raises(MigrationFailed):
        migrator.down()
    assert migrator.pending() == ["002_second"]
    database["fail back"].drop()
    assert migrator.down() == ["002_second"]
    database["fail back"].insert_one({})
    with pytest.raises(MigrationFailed):
        migrator.down()
    assert migrator.up() == ["001_first", "002_second"], "forward mends it as well"


def test_a_runner_that_is_killed_half_way_is_followed_by_one_that_begins_again(
    database: Database, package: Package, fresh_mongodb_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "LEASE", timedelta(seconds=0.5))
    name = package(**{"001_first": "", "002_second": 'time.sleep(60) if not db["go"].find_one() else None'})
    child = os.fork()
    if child == 0:
        Migrator(Database(fresh_mongodb_uri, "thing-service"), name, {}).up()
        os._exit(0)
    eventually(lambda: ("002_second", "forward") in ran(database))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    database["go"].insert_one({})
    migrator = Migrator(database, name, {})
    assert migrator.applied().keys() == {"001_first"}
    assert migrator.up() == ["002_second"]
    # in no order: two processes wrote it, of whose ids within one second none is the later
    assert sorted(ran(database)) == [("001_first", "forward"), *[("002_second", "forward")] * 2]


def test_an_election_in_the_middle_is_waited_for(
    database: Database, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_ATTEMPTS", 3)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    elected = 'from pymongo.errors import AutoReconnect\n    if db["log"].count_documents({}) < 3: raise AutoReconnect'
    migrator = Migrator(database, package(**{"001_first": elected}), {})
    assert migrator.up() == ["001_first"]
    assert ran(database) == [("001_first", "forward")] * 3
    database["log"].drop()
    monkeypatch.setattr(runner, "_ATTEMPTS", 2)
    migrator.down()
    database["log"].drop()
    with pytest.raises(MigrationFailed, match=AutoReconnect.__name__):
        migrator.up()


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
    with pytest.raises(IndexRefused, match=r"^things\.name_unique: documents share a key of this unique index$"):
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


def test_an_index_is_known_again_whatever_its_options_hold(database: Database, package: Package) -> None:
    since = {"closedAt": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}}
    expiring = IndexModel([("at", ASCENDING)], name="expiring", expireAfterSeconds=60, partialFilterExpression=since)
    migrator = Migrator(database, package(), {"things": [INDEX, expiring]})
    assert migrator.status().missing == ["things.name_unique", "things.expiring"]
    migrator.up()
    assert migrator.status().missing == []


def test_an_index_that_changed_and_kept_its_name_is_named(database: Database, package: Package) -> None:
    name = package(**{"001_first": ""})
    Migrator(database, name, {"things": [INDEX]}).up()
    changed = IndexModel([("name", DESCENDING)], name="name_unique", unique=True)
    with capture_logs() as logged, pytest.raises(IndexRefused, match=r"things.*name_unique.*gets a new name"):
        Migrator(database, name, {"things": [changed]}).up()
    assert [line["alarm"] for line in logged if "alarm" in line] == ["MigrationFailed"]
    # by a new name, with a migration that drops the old one
    renamed = IndexModel([("name", DESCENDING)], name="name_down")
    name = package(**{"002_index": 'db["things"].drop_index("name_unique")'})
    assert Migrator(database, name, {"things": [renamed]}).up() == ["002_index"]
    assert database["things"].index_information().keys() == {"_id_", "name_down"}


def test_writes_go_on_while_an_index_is_made(database: Database, package: Package) -> None:
    database["things"].insert_many({"name": str(number), "more": "x" * 200} for number in range(40_000))
    done = Event()
    slowest = [0.0]

    def write() -> None:
        number = 0
        while not done.is_set():
            began = time.perf_counter()
            database["things"].insert_one({"name": f"new {number}"})
            slowest[0] = max(slowest[0], time.perf_counter() - began)
            number += 1

    writer = Thread(target=write)
    writer.start()
    began = time.perf_counter()
    several = [IndexModel([("name", ASCENDING), (more, ASCENDING)], name=more) for more in "abcd"]
    Migrator(database, package(), {"things": [INDEX, *several]}).up()
    took = time.perf_counter() - began
    done.set()
    writer.join()
    assert slowest[0] < took / 2
    assert "name_unique" in database["things"].index_information()


# beside another version


def test_an_older_process_starts_with_a_newer_database_and_undoes_nothing(database: Database, package: Package) -> None:
    name = package(**{"001_first": ""})
    older = Migrator(database, name, {"things": [INDEX]})
    newer_index = IndexModel([("newer", ASCENDING)], name="newer")
    package(**{"002_second": ""})
    newer = Migrator(database, name, {"things": [INDEX, newer_index]})
    newer.up()
    assert older.up() == []
    assert newer.applied().keys() == {"001_first", "002_second"}
    assert "newer" in database["things"].index_information()
    with pytest.raises(NotOurs, match="002_second"):
        older.down()
    assert newer.down() == ["002_second"]
    assert older.up() == []
    assert older.down() == ["001_first"]


def test_an_older_process_starts_while_a_newer_one_migrates(
    database: Database, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = Migrator(database, package(**{"001_first": ""}), {"things": [INDEX]})
    older.up()
    monkeypatch.setattr(lock, "WAIT_SECONDS", 0.0)
    with lock.Lock(database[migrations.COLLECTION]).held():
        assert older.up() == []


def test_what_an_older_process_wrote_after_the_migration_is_migrated_too(
    database: Database, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = 'db["things"].update_many({"shape": None}, {"$set": {"shape": "new"}})'
    migrator = Migrator(database, package(**{"001_shape": shape, "002_second": ""}), {})
    migrator.up()
    database["things"].insert_one({"_id": "by an old process"})
    monkeypatch.setattr(runner, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(runner, "_LONGEST_PAUSE", 0.05)
    migrator.keep_repeating()
    eventually(lambda: database["things"].find_one({"shape": "new"}))
    # a rollout later nobody repeats any more
    monkeypatch.setattr(runner, "ROLLOUT", timedelta(0))
    assert migrator.repeat(9) == []
    eventually(lambda: "migrations" not in {thread.name for thread in enumerate_threads()})
    record: Any = database[migrations.COLLECTION].find_one({"_id": "001_shape"})
    assert [entry["state"] for entry in record["history"]] == ["applied"]


def test_what_was_taken_back_is_not_repeated(database: Database, package: Package) -> None:
    migrator = Migrator(database, package(**{"001_first": "", "002_second": ""}), {})
    migrator.up()
    migrator.down()
    assert migrator.repeat() == ["001_first"]


# in batches


def test_batches_reach_every_document_that_meets_the_condition_and_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH", 7)
    things = database["things"]
    for count in (0, 1, 6, 7, 8, 50):
        things.delete_many({})
        if count:
            things.insert_many({"_id": f"{number:03}", "old": number % 2 == 0} for number in range(count))
        assert update_in_batches(things, {"old": True}, {"$set": {"met": True}}) == (count + 1) // 2
        assert things.count_documents({"met": True, "old": True}) == things.count_documents({"met": True})
        every = (batches.UpdateOne({"_id": one["_id"]}, {"$set": {"all": 1}}) for one in things.find())
        assert write_in_batches(things, every) == count


class _Received(CommandListener):
    def __init__(self) -> None:
        self.sizes: list[int] = []

    def started(self, event: CommandStartedEvent) -> None:
        pass

    def succeeded(self, event: CommandSucceededEvent) -> None:
        cursor = event.reply.get("cursor", {})
        self.sizes += [len(cursor[name]) for name in ("firstBatch", "nextBatch") if name in cursor]

    def failed(self, event: CommandFailedEvent) -> None:
        pass


def test_reading_in_batches_holds_few_documents(fresh_mongodb_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH", 7)
    received = _Received()
    with MongoClient[dict[str, Any]](fresh_mongodb_uri, event_listeners=[received]) as client:
        things = client.get_default_database()["things"]
        things.insert_many({"_id": number, "old": number % 2 == 0} for number in range(60))
        found = [thing["_id"] for thing in read_in_batches(things, {"old": True}, {"_id": 1})]
    assert found == list(range(0, 60, 2))
    assert max(received.sizes) == 7


# the command


def test_the_command_runs_and_shows(
    database: Database, package: Package, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(*arguments: str) -> tuple[int, str]:
        with capture_logs():
            status = run(Migrator(database, package(), {"things": [INDEX]}), arguments)
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    package(**{"001_first": "", "002_second": ""})
    assert command("status") == (3, f"{'001_first':40} pending\n{'002_second':40} pending\n"
                                    "missing indexes: things.name_unique\n")  # fmt: skip
    assert command("up") == (0, "applied: 001_first, 002_second\nrepeated: nothing\n")
    assert command("up") == (0, "applied: nothing\nrepeated: 001_first, 002_second\n")
    status, shown = command("status")
    assert (status, [line.split(",")[0].split() for line in shown.splitlines()]) == (
        0,
        [["001_first", "applied"], ["002_second", "applied"]],
    )
    assert command("down", "001") == (0, "taken back: 002_second\n")
    assert command("down", "nonsense") == (1, "migrate: no migration is called nonsense\n")
    database[migrations.COLLECTION].insert_one({"_id": "009_newer", "state": "applied", "at": now()})
    database["things"].create_index("left", name="left")
    with lock.Lock(database[migrations.COLLECTION]).held():
        status, shown = command("status")
        assert status == 3
        for part in ("pending (reverted)", "009_newer", "unknown to this code", "lock: held by", "things.left"):
            assert part in shown
        monkeypatch.setattr(lock, "WAIT_SECONDS", 0.1)
        assert command("up") == (1, "migrate: another process holds the migration lock\n")
    status, shown = command("down")
    assert (status, "009_newer" in shown) == (1, True)
    package(**{"002_second": "raise LookupError"})
    assert command("up") == (1, "migrate: 002_second, forward: LookupError at 002_second.py:6\n")
    assert "pending (applying)" in command("status")[1]
    assert "failed forward" in command("status")[1]
    with pytest.raises(SystemExit) as usage:
        command("sideways")
    assert usage.value.code == 2
