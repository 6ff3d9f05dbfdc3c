"""Each alarm is raised by what it is for, names it, and is silent without it."""

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pika
import pytest
from pymongo import MongoClient

from chassis import alarms, amqp, outbox
from chassis.alarms import Alarm
from chassis.clock import now
from chassis.migrations.lock import Lock
from chassis.mongo import Document
from devkit.ports import free_port

EMAIL = "pat@clinic.example"


@pytest.fixture
def service() -> str:
    return f"alarmed_{secrets.token_hex(4)}"


@pytest.fixture
def database(mongodb_server: str, service: str) -> Iterator[Any]:
    with MongoClient[Document](mongodb_server, tz_aware=True) as client:
        yield client[service]
        client.drop_database(service)


@pytest.fixture
def found(database: Any, mongodb_server: str, service: str) -> Any:
    """What is found in the service's database, its name left out."""

    def look() -> list[tuple[str, str]]:
        seen = alarms.in_databases(mongodb_server, [service])
        told = [(alarm.name, alarm.seen.removeprefix(service).lstrip(":. ")) for alarm in seen]
        assert EMAIL not in str(told)
        return told

    assert look() == []
    return look


@pytest.fixture
def table(amqp_url: str, service: str) -> Iterator[amqp.Subscriptions]:
    made = {service: {f"{service}-source": ["made", "changed"]}}
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        amqp.declare_source(channel, f"{service}-source", made)
        yield made
        for kind in made[service][f"{service}-source"]:
            channel.queue_delete(amqp.queue(service, f"{service}-source", kind))
        channel.queue_delete(amqp.dead_letters(service))
        channel.exchange_delete(amqp.exchange(f"{service}-source"))


def event_id(age: timedelta) -> str:
    return f"{int((datetime.now(UTC) - age).timestamp() * 1000):012x}{secrets.token_hex(10)}"


def test_an_event_that_waits_longer_than_a_minute(database: Any, found: Any) -> None:
    things = database["things"]
    things.create_indexes([outbox.INDEX])
    things.insert_one({"_id": 1, "outbox": [{"id": event_id(timedelta(seconds=30)), "data": EMAIL}]})
    things.insert_one({"_id": 2, "outbox": []})
    assert found() == []
    for number in (3, 4):
        old = {"id": event_id(timedelta(seconds=90)), "data": EMAIL}
        things.insert_one({"_id": number, "outbox": [old, {"id": event_id(timedelta(0))}]})
    assert found() == [("OutboxStuck", "things: 2 documents hold events for more than 60 s")]


def test_what_the_relay_holds_back(database: Any, found: Any) -> None:
    since = datetime(2026, 3, 2, 9, tzinfo=UTC)
    database["relay"].insert_one({"_id": "lease", "owner": "x", "until": now(), "held": {}})
    assert found() == []
    database["relay"].update_one({}, {"$set": {"held": {"made": {"since": since, "count": 7}}}})
    assert found() == [("EventUnroutable", f"7 made held back since {since}")]


def test_a_migration_that_failed_and_one_that_nobody_ends(database: Any, found: Any) -> None:
    records = database["migrations"]
    records.insert_many([{"_id": "001_first", "state": "applied"}, {"_id": "002_second", "state": "applying"}])
    with Lock(records).held():
        assert found() == []
    assert found() == [("MigrationPending", "002_second is applying, and nobody is at it")]
    failed = {"way": "forward", "at": now(), "error": "KeyError", "where": "002_second.py:7"}
    records.update_one({"_id": "002_second"}, {"$set": {"failed": failed}})
    assert found() == [("MigrationFailed", "002_second, forward failed: KeyError at 002_second.py:7")]


def test_a_job_that_fails_in_a_row_or_does_not_run_any_more(database: Any, found: Any) -> None:
    def job(name: str, minutes: int, failures: int = 0) -> None:
        done = {"lastSuccessAt": now() - timedelta(minutes=minutes), "failuresInARow": failures}
        database["jobs"].insert_one({"_id": name, "everySeconds": 60, **done})

    job("well", 4, failures=2)
    database["jobs"].insert_one({"_id": "new", "everySeconds": 60, "lastSuccessAt": None, "failuresInARow": 1})
    assert found() == []
    job("silent", 11)
    job("failing", 2, failures=3)
    failing, (name, silent) = found()
    assert failing == ("JobFailing", "failing, 3 runs failed in a row")
    assert (name, silent[:31]) == ("JobFailing", "silent, no run succeeded for 66")


def test_an_erasure_whose_receipts_are_late(database: Any, found: Any) -> None:
    hour = timedelta(hours=1, seconds=5)
    erasures = database["erasures"]
    erasures.insert_one({"_id": "u1", "startedAt": now(), "awaiting": ["a"], "completedAt": None})
    erasures.insert_one({"_id": "u2", "startedAt": now() - hour, "awaiting": [], "completedAt": now()})
    assert found() == []
    erasures.insert_one({"_id": "u3", "startedAt": now() - hour, "awaiting": ["a", "b"], "completedAt": None})
    assert found() == [("ErasureLate", "u3 awaits a, b for more than 60 min")]


def test_members_that_are_not_well() -> None:
    states = {"one": "PRIMARY", "two": "SECONDARY", "three": "(not reachable/healthy)"}
    told = {"members": [{"name": name, "stateStr": state} for name, state in states.items()]}
    client: Any = SimpleNamespace(admin=SimpleNamespace(command=lambda *_, **__: told))
    assert list(alarms._of_members(client)) == [Alarm("ReplicaSetDegraded", "three is (not reachable/healthy)")]


def test_queues_without_a_consumer_dead_letters_and_queues_that_do_not_shrink(
    table: amqp.Subscriptions, service: str, amqp_url: str
) -> None:
    made, changed = (amqp.queue(service, f"{service}-source", kind) for kind in ("made", "changed"))

    def seen() -> list[tuple[str, str]]:
        looked = alarms.in_broker(amqp_url, table, long=2, pause=0.1)
        return [(alarm.name, alarm.seen) for alarm in looked]

    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume(made, lambda *_: None)
        assert seen() == [("QueueStuck", f"{changed}: no consumer, 0 messages ready")]
        channel.basic_consume(changed, lambda *_: None)
        assert seen() == []
        for _ in range(4):
            channel.basic_publish(amqp.exchange(f"{service}-source"), "made", EMAIL.encode(), mandatory=True)
        channel.basic_publish("", amqp.dead_letters(service), EMAIL.encode(), mandatory=True)
        assert seen() == [
            ("DeadLetters", f"{service}: 1 messages could not be handled"),
            ("QueueStuck", f"{made}: 3 messages ready, not fewer than before"),
        ]
        channel.queue_delete(changed)
        assert ("QueueStuck", f"{changed}: there is no such queue") in seen()


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ((0, 0), (0, 1), []),  # its consumer came back
        ((0, 1), (0, 0), []),
        ((9, 1), (8, 1), []),  # it shrinks
        ((2, 1), (2, 1), []),
        ((9, 1), (9, 1), ["q: 9 messages ready, not fewer than before"]),
    ],
)
def test_what_one_look_alone_would_take_for_a_stuck_queue(
    first: tuple[int, int], second: tuple[int, int], told: list[str]
) -> None:
    assert [alarm.seen for alarm in alarms._of_queue("q", first, second, 2)] == told


def test_the_command(
    table: amqp.Subscriptions,
    service: str,
    tmp_path: Path,
    mongodb_server: str,
    amqp_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "subscriptions.json").write_text(json.dumps({service: {}}))
    monkeypatch.setattr(alarms, "BETWEEN_LOOKS", 0.0)
    monkeypatch.setattr(alarms, "ANSWER_SECONDS", 1)
    for name, value in {"MONGODB_URI": mongodb_server, "AMQP_URL": amqp_url, "CONTRACTS_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    assert (alarms.main(), capsys.readouterr().out) == (0, "no alarms\n")
    port = free_port()
    monkeypatch.setenv("MONGODB_URI", f"mongodb://127.0.0.1:{port}/?replicaSet=rs0")
    monkeypatch.setenv("AMQP_URL", f"amqp://127.0.0.1:{port}")
    assert alarms.main() == 1
    away = capsys.readouterr().out
    assert {line.partition(":")[0] for line in away.splitlines()} == {"DatabaseAway", "BrokerAway"}
    assert "(docs/runbooks/BrokerAway.md)" in away
    monkeypatch.setenv("AMQP_URL", "")
    assert (alarms.main(), capsys.readouterr().err) == (78, "configuration: AMQP_URL: must be set\n")
