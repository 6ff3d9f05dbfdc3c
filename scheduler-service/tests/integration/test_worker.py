"""The real Celery worker and beat, on the real broker."""

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from flask.testing import FlaskClient
from stand_ins import Mailbox, peer

from chassis import amqp
from chassis.clock import new_id, now
from devkit.link import Link
from devkit.pytest_plugin import StartedProcess
from devkit.testing import bearer, queue_state
from devkit.waiting import eventually
from scheduler_service import events
from scheduler_service.bootstrap import Built
from scheduler_service.broker import QUEUE, RINGS, RUN_QUEUED, RUN_SCHEDULED

ADMIN = bearer("boss", role="admin")
RUNS = "/api/v1/admin/jobs/purge-accounts/runs"
StartCelery = Callable[..., StartedProcess]


@pytest.fixture(autouse=True)
def no_runs_left_over(built: Built) -> None:
    built.database["runs"].delete_many({})
    with built.celery.connection_for_write() as connection:
        built.celery.control.purge(connection)


def asked_for(client: FlaskClient, **headers: str) -> str:
    answer = client.post("/api/v1/admin/jobs/purge-accounts/run", headers={**ADMIN, **headers})
    assert answer.status_code == 202
    run_id: str = answer.json["data"]["id"]
    return run_id


def run(client: FlaskClient, run_id: str) -> dict[str, Any]:
    items = client.get(RUNS, headers=ADMIN).json["data"]["items"]
    found: dict[str, Any] = next(item for item in items if item["id"] == run_id)
    return found


def test_a_run_that_was_asked_for_is_queued_then_succeeds(
    client: FlaskClient, start_celery: StartCelery, amqp_url: str
) -> None:
    run_id = asked_for(client, **{"X-Request-Id": "asked-1"})
    assert run(client, run_id)["status"] == "QUEUED"
    with peer(amqp_url, "user-service", purge_due_accounts=lambda limit: {"purged": 2}):
        worker = start_celery("worker")
        done = eventually(lambda: (found := run(client, run_id))["status"] == "SUCCEEDED" and found)
    assert done["result"] == {"purged": 2}
    assert done["queuedAt"] <= done["startedAt"] <= done["finishedAt"]
    assert '"request_id":"asked-1"' in worker.log
    assert worker.stop() == 0


def test_a_task_that_comes_again_runs_once(
    client: FlaskClient, built: Built, start_celery: StartCelery, amqp_url: str
) -> None:
    run_id = asked_for(client)
    for _ in range(3):
        built.celery.send_task(RUN_QUEUED, kwargs={"run_id": run_id})
        built.celery.send_task(RUN_SCHEDULED, args=("advance-appointments",), queue=RINGS)
    with (
        peer(amqp_url, "user-service", purge_due_accounts=lambda limit: {"purged": 2}) as users,
        peer(amqp_url, "appointment-service", advance_due=lambda limit: {"completed": 1, "noShow": 0}) as appointments,
    ):
        # a day's slot, so that all rings are for the same
        start_celery("worker", ADVANCE_EVERY_SECONDS="86400")
        eventually(lambda: run(client, run_id)["status"] == "SUCCEEDED")
        last = asked_for(client)
        # each queue is read in order: when this one is done, all of those before it are
        eventually(lambda: run(client, last)["status"] == "SUCCEEDED")
        eventually(lambda: queue_state(built.config.amqp_url, RINGS)[0] == 0)
        assert len(users.called("purge_due_accounts")) == 2
        assert len(appointments.called("advance_due")) == 1
    eventually(lambda: queue_state(built.config.amqp_url, QUEUE)[0] == 0)


def test_what_a_killed_worker_held_is_finished_by_the_next_and_one_told_to_stop_ends_after_its_step(
    client: FlaskClient, built: Built, start_celery: StartCelery, amqp_url: str
) -> None:
    begun, may_end = Event(), Event()

    def purge(limit: int) -> dict[str, int]:
        begun.set()
        may_end.wait(20)
        return {"purged": limit}

    run_id = asked_for(client)
    with peer(amqp_url, "user-service", purge_due_accounts=purge) as users:
        first = start_celery("worker")
        assert begun.wait(20)
        first.kill()
        may_end.set()
        assert run(client, run_id)["status"] == "RUNNING"
        # as if the two minutes of its lease had passed
        built.database["runs"].update_one({"_id": run_id}, {"$set": {"leaseUntil": now()}})
        begun.clear()
        may_end.clear()
        second = start_celery("worker")
        assert begun.wait(20)
        second.child.terminate()
        eventually(lambda: "Warm shutdown" in second.log)
        may_end.set()
        assert second.child.wait(20) == 0
        assert len(users.called("purge_due_accounts")) == 2
    done = run(client, run_id)
    assert (done["status"], done["result"]) == ("SUCCEEDED", {"purged": 100})


def test_rings_that_nobody_takes_expire_behind_a_run_that_waits_and_are_no_dead_letters(
    built: Built, client: FlaskClient
) -> None:
    with built.celery.connection_for_write() as connection, connection.channel() as channel:
        dead = amqp.dead_letters(events.SOURCE)
        channel.queue_declare(dead, durable=True, auto_delete=False, arguments=amqp.DEAD_LETTER_ARGUMENTS)
        before = queue_state(built.config.amqp_url, dead)[0]
        asked_for(client)
        for _ in range(20):
            built.celery.send_task(RUN_SCHEDULED, args=("deliver-mail",), queue=RINGS, expiration=0.2)
        eventually(lambda: queue_state(built.config.amqp_url, RINGS)[0] == 0)
        assert queue_state(built.config.amqp_url, QUEUE)[0] == 1
        assert queue_state(built.config.amqp_url, dead)[0] == before


def test_worker_and_beat_come_back_when_the_broker_does(
    built: Built, start_celery: StartCelery, linked: dict[str, str], link: Link
) -> None:
    def runs() -> int:
        return built.database["runs"].count_documents({"job": "deliver-mail"})

    every_second = {**linked, "DELIVER_MAIL_EVERY_SECONDS": "1"}
    started = [start_celery(kind, **every_second) for kind in ("worker", "beat")]
    eventually(lambda: runs() >= 2, timeout=20)
    link.down()
    for process in started:
        eventually(lambda process=process: "refused" in process.log, timeout=20)
    before = runs()
    link.up()
    eventually(lambda: runs() >= before + 3, timeout=30)
    assert all(process.is_alive() for process in started)


SHIFTED = """
import datetime, os, time

ahead = float(os.environ["HOST_AHEAD_SECONDS"])
told, real = time.time, datetime.datetime
time.time = lambda: told() + ahead


class Shifted(real):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(seconds=ahead)

    @classmethod
    def utcnow(cls):
        return super().utcnow() + datetime.timedelta(seconds=ahead)


# beat pickles instants
Shifted.__name__ = Shifted.__qualname__ = "datetime"
Shifted.__module__ = "datetime"
datetime.datetime = Shifted
"""
"""Loaded by a process before anything else: its host's clock is wrong by so many seconds."""


def test_two_beats_and_a_worker_whose_clocks_are_minutes_apart_leave_no_run_out_and_make_none_twice(
    built: Built, start_celery: StartCelery, tmp_path: Path, amqp_url: str, mailbox: Mailbox
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SHIFTED)

    def on_host(kind: str, ahead: int) -> StartedProcess:
        env = {"PYTHONPATH": str(tmp_path), "HOST_AHEAD_SECONDS": str(ahead), "DELIVER_MAIL_EVERY_SECONDS": "1"}
        return start_celery(kind, **env)

    def runs(job: str = "deliver-mail") -> list[dict[str, Any]]:
        return list(built.database["runs"].find({"job": job}))

    ann = new_id()
    event = events.UserRegistered(user_id=ann)
    built.database.transact(lambda session: built.post.user_registered(event, session))
    person = {"email": f"{ann}@clinic.example", "name": "Ann Lee", "timezone": None, "status": "ACTIVE"}
    sweeps = dict.fromkeys(("purge_due_accounts", "reannounce_late_erasures"), lambda limit: {})
    with peer(amqp_url, "user-service", contact=lambda user_id: person, **sweeps):
        slow, fast = on_host("beat", -300), on_host("beat", 300)
        with built.celery.connection_for_read() as connection, connection.channel() as channel:
            ring = eventually(lambda: channel.basic_get(RINGS, no_ack=True))
        assert int(ring.properties["expiration"]) >= 30_000, "by the broker's clock"
        assert ring.headers["expires"] is None, "and by no host's"
        on_host("worker", 300)
        eventually(lambda: mailbox.to(ann) and len(runs()) >= 3, timeout=20)
        assert runs("purge-accounts"), "beat rings as it starts, and not five minutes later"
        fast.kill()
        before = len(runs())
        eventually(lambda: len(runs()) >= before + 3, timeout=20)
    slots = [found["slot"] for found in runs()]
    assert len(slots) == len(set(slots))
    # the database's clock, and no host's
    assert all(abs((now() - found["startedAt"]).total_seconds()) < 60 for found in runs())
    assert len(mailbox.to(ann)) == 1
    assert slow.stop() == 0
