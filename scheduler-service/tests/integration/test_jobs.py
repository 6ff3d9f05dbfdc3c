"""Jobs as an admin sees them, and runs that are claimed."""

import importlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from flask.testing import FlaskClient
from stand_ins import Building, Clock, Refusal, peer

from chassis.clock import new_id, now
from devkit.link import Link
from devkit.testing import assert_valid, bearer
from scheduler_service import events
from scheduler_service.app import create_app
from scheduler_service.bootstrap import Built, migrator
from scheduler_service.domain import GIVEN_UP_AFTER, IDLE_RUNS_KEPT
from scheduler_service.errors import RunBusy
from scheduler_service.store import Runs

ADMIN = bearer("boss", role="admin")
SLOT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_runs_left_over(built: Built) -> Iterator[None]:
    for name in ("runs", "jobs"):
        built.database[name].delete_many({})
    yield
    # what these tests put into the queue is for no worker
    with built.celery.connection_for_write() as connection:
        built.celery.control.purge(connection)


def erase(built: Built, user_id: str) -> None:
    event = events.UserDeleted(user_id=user_id)
    built.database.transact(lambda session: built.user_deleted(event, session))


def stored(built: Built, **query: Any) -> list[dict[str, Any]]:
    return list(built.database["runs"].find(query))


def test_the_jobs_are_listed_with_their_last_run(client: FlaskClient) -> None:
    client.post("/api/v1/admin/jobs/purge-accounts/run", headers=ADMIN)
    items = client.get("/api/v1/admin/jobs", headers=ADMIN).json["data"]["items"]
    assert {item["name"]: item["everySeconds"] for item in items} == {
        "purge-accounts": 300,
        "chase-erasures": 60,
        "advance-appointments": 60,
        "expire-offers": 30,
        "send-reminders": 30,
        "deliver-mail": 5,
    }
    assert items[0]["lastRun"]["status"] == "QUEUED"
    assert (items[1]["lastRun"], items[1]["lastSuccessAt"], items[1]["failuresInARow"]) == (None, None, 0)


def test_asking_for_a_run_queues_one(client: FlaskClient) -> None:
    answer = client.post("/api/v1/admin/jobs/purge-accounts/run", headers=ADMIN)
    run = answer.json["data"]
    assert answer.status_code == 202
    assert (run["job"], run["status"], run["trigger"], run["requestedBy"]) == (
        "purge-accounts",
        "QUEUED",
        "manual",
        "boss",
    )
    listed = client.get("/api/v1/admin/jobs/purge-accounts/runs", headers=ADMIN).json["data"]
    assert listed == {"items": [run], "nextCursor": None}


def test_who_asked_for_a_run_is_in_the_audit_with_it(built: Built, client: FlaskClient) -> None:
    run_id = client.post("/api/v1/admin/jobs/purge-accounts/run", headers=ADMIN).json["data"]["id"]
    client.post("/api/v1/admin/jobs/purge-accounts/run", headers=bearer("pat", "patient"))
    built.jobs.run_scheduled("deliver-mail")
    assert [run["_id"] for run in stored(built, outbox={"$exists": True})] == [run_id]
    (entry,) = stored(built, _id=run_id)[0]["outbox"]
    assert_valid(entry)
    told = {name: entry["data"][name] for name in ("action", "actorId", "actorRole", "objectId", "subjectId")}
    assert told == {
        "action": "job.started",
        "actorId": "boss",
        "actorRole": "admin",
        "objectId": run_id,
        "subjectId": None,
    }


def test_an_erased_admin_whose_token_is_still_out_starts_nothing(built: Built, client: FlaskClient) -> None:
    gone = new_id()
    erase(built, gone)
    answer = client.post("/api/v1/admin/jobs/purge-accounts/run", headers=bearer(gone, "admin"))
    assert (answer.status_code, answer.json["code"]) == (401, "TOKEN_INVALID")
    assert stored(built) == []


def test_an_erasure_at_the_moment_of_a_start_leaves_no_name_on_the_run(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = new_id()
    erasure = Thread(target=erase, args=(built, gone))
    add = Runs.add

    def add_while_erased(self: Runs, *arguments: Any) -> bool:
        if not erasure.ident:
            erasure.start()
            # it would be over by then if nothing held it up
            erasure.join(0.5)
        return add(self, *arguments)

    monkeypatch.setattr(Runs, "add", add_while_erased)
    built.jobs.start("purge-accounts", gone)
    erasure.join(10)
    assert not erasure.is_alive()
    assert [run["requestedBy"] for run in stored(built)] == [None]


def test_late_erasures_are_announced_again_as_long_as_there_are_some(built: Built, amqp_url: str) -> None:
    left = [3, 100]
    with peer(amqp_url, "user-service", reannounce_late_erasures=lambda limit: {"reannounced": left.pop()}) as users:
        built.jobs.run_scheduled("chase-erasures")
        assert users.called("reannounce_late_erasures") == [{"limit": 100}] * 2
    assert stored(built)[0]["result"] == {"reannounced": 103}


def test_runs_are_paged_newest_first(client: FlaskClient) -> None:
    ids = [client.post("/api/v1/admin/jobs/deliver-mail/run", headers=ADMIN).json["data"]["id"] for _ in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        query = f"?limit=2{'&cursor=' + cursor if cursor else ''}"
        page = client.get(f"/api/v1/admin/jobs/deliver-mail/runs{query}", headers=ADMIN).json["data"]
        seen += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
    assert seen == ids[::-1]


@pytest.mark.parametrize(("method", "path"), [("GET", "runs"), ("POST", "run")])
def test_an_unknown_job_is_404(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(f"/api/v1/admin/jobs/no-such-job/{path}", method=method, headers=ADMIN)
    assert (answer.status_code, answer.json["code"]) == (404, "JOB_NOT_FOUND")


def test_a_made_up_cursor_is_422(client: FlaskClient) -> None:
    assert client.get("/api/v1/admin/jobs/deliver-mail/runs?cursor=abc", headers=ADMIN).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "jobs"), ("GET", "jobs/deliver-mail/runs"), ("POST", "jobs/deliver-mail/run")]
)
def test_only_an_admin_may(client: FlaskClient, method: str, path: str) -> None:
    for role in ("patient", "doctor"):
        assert client.open(f"/api/v1/admin/{path}", method=method, headers=bearer("pat", role)).status_code == 403
    assert client.open(f"/api/v1/admin/{path}", method=method).status_code == 401


def test_with_the_broker_away_it_is_503_and_no_run_waits_for_ever(built_from: Building, env: dict[str, str]) -> None:
    with built_from({**env, "AMQP_URL": "amqp://guest:guest@127.0.0.1:1/"}) as lonely:
        app = create_app(lonely)
        app.testing = True
        other = going_on(lonely, "deliver-mail", "schedule", timedelta(minutes=1))
        answer = app.test_client().post("/api/v1/admin/jobs/deliver-mail/run", headers=ADMIN)
        assert (answer.status_code, answer.json["code"]) == (503, "SERVICE_UNAVAILABLE")
        (run,) = stored(lonely, _id={"$ne": other})
        assert (run["status"], run["error"]) == ("FAILED", "SERVICE_UNAVAILABLE")


def test_a_broker_that_goes_and_comes_back_is_503_and_then_well_again(
    built_from: Building, linked: dict[str, str], link: Link
) -> None:
    with built_from(linked) as web:
        app = create_app(web)
        app.testing = True
        client = app.test_client()

        def ask() -> int:
            return client.post("/api/v1/admin/jobs/deliver-mail/run", headers=ADMIN).status_code

        assert ask() == 202
        link.down()
        assert [ask(), ask()] == [503, 503]
        link.up()
        assert ask() == 202
        assert sorted(run["status"] for run in stored(web)) == ["FAILED", "FAILED", "QUEUED", "QUEUED"]


def test_two_that_ring_for_one_slot_make_one_run(built: Built, amqp_url: str, clock: Clock) -> None:
    clock.stopped = SLOT + timedelta(seconds=20)
    barrier = Barrier(8)

    def ring(_: int) -> None:
        barrier.wait()
        built.jobs.run_scheduled("purge-accounts")

    with peer(amqp_url, "user-service", purge_due_accounts=lambda limit: {"purged": 3}) as users:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ring, range(8)))
        assert len(users.called("purge_due_accounts")) == 1
    (run,) = stored(built)
    assert (run["status"], run["trigger"], run["result"], run["slot"]) == ("SUCCEEDED", "schedule", {"purged": 3}, SLOT)


def test_a_job_goes_on_while_batches_are_full(built: Built, amqp_url: str) -> None:
    left = [7, 100, 100]

    def advance(limit: int) -> dict[str, int]:
        assert limit == 100
        count = left.pop()
        # what it tells of differs from batch to batch
        return {"completed": count // 2, f"other{count}": count - count // 2}

    with peer(amqp_url, "appointment-service", advance_due=advance):
        built.jobs.run_scheduled("advance-appointments")
    (run,) = stored(built)
    assert run["result"] == {"completed": 103, "other100": 100, "other7": 4}


def test_offers_are_passed_on_as_long_as_there_are_some(built: Built, amqp_url: str) -> None:
    left = [{"passedOn": 2, "tidied": 0}, {"passedOn": 60, "tidied": 40}]
    with peer(amqp_url, "appointment-service", expire_offers=lambda limit: left.pop()) as appointments:
        built.jobs.run_scheduled("expire-offers")
        assert appointments.called("expire_offers") == [{"limit": 100}] * 2
    assert stored(built)[0]["result"] == {"passedOn": 62, "tidied": 40}


def test_a_job_that_never_gets_to_the_end_stops_after_fifty_batches(built: Built, amqp_url: str) -> None:
    with peer(amqp_url, "user-service", purge_due_accounts=lambda limit: {"purged": limit}) as users:
        built.jobs.run_scheduled("purge-accounts")
        assert len(users.calls) == 50


def test_a_refusal_and_an_absence_end_a_run_as_failed_with_their_code(built: Built, amqp_url: str) -> None:
    def refuse(limit: int) -> dict[str, int]:
        raise Refusal(409, "NOT_NOW")

    with peer(amqp_url, "user-service", purge_due_accounts=refuse):
        built.jobs.run_scheduled("purge-accounts")
    built.jobs.run_scheduled("advance-appointments")
    assert {run["job"]: (run["status"], run["error"]) for run in stored(built)} == {
        "purge-accounts": ("FAILED", "NOT_NOW"),
        "advance-appointments": ("FAILED", "SERVICE_UNAVAILABLE"),
    }


def test_a_delivery_that_found_nothing_is_forgotten_soon_but_holds_its_slot(built: Built, clock: Clock) -> None:
    clock.stopped = SLOT
    built.jobs.run_scheduled("deliver-mail")
    built.jobs.run_scheduled("deliver-mail")
    (run,) = stored(built)
    assert run["keepUntil"] == run["finishedAt"] + IDLE_RUNS_KEPT


def test_a_run_that_another_worker_has_is_busy_and_one_that_is_over_is_left_alone(
    built: Built, client: FlaskClient
) -> None:
    run_id = client.post("/api/v1/admin/jobs/deliver-mail/run", headers=ADMIN).json["data"]["id"]
    built.database["runs"].update_one(
        {"_id": run_id}, {"$set": {"status": "RUNNING", "leaseUntil": now() + timedelta(minutes=1), "claim": "other"}}
    )
    with pytest.raises(RunBusy):
        built.jobs.run_queued(run_id)
    built.database["runs"].update_one({"_id": run_id}, {"$set": {"leaseUntil": now() - timedelta(seconds=1)}})
    built.jobs.run_queued(run_id)
    (run,) = stored(built)
    assert run["status"] == "SUCCEEDED"
    built.jobs.run_queued(run_id)
    built.jobs.run_queued(new_id())
    assert stored(built) == [run]


def test_a_worker_that_was_too_slow_cannot_overwrite_the_end_of_its_run(
    built: Built, client: FlaskClient, amqp_url: str
) -> None:
    run_id = client.post("/api/v1/admin/jobs/purge-accounts/run", headers=ADMIN).json["data"]["id"]

    def taken_over(limit: int) -> dict[str, int]:
        end = {"status": "SUCCEEDED", "claim": "another", "result": {"purged": 1}}
        built.database["runs"].update_one({"_id": run_id}, {"$set": end})
        return {"purged": limit}

    with peer(amqp_url, "user-service", purge_due_accounts=taken_over) as users:
        built.jobs.run_queued(run_id)
        assert len(users.calls) == 1, "it works no further"
    assert stored(built)[0]["result"] == {"purged": 1}
    assert built.database["jobs"].count_documents({}) == 0, "that end is not this worker's to count"


def test_runs_that_nobody_will_finish_are_given_up(built: Built, client: FlaskClient) -> None:
    path = "/api/v1/admin/jobs/purge-accounts/run"
    lost, fresh = (client.post(path, headers=ADMIN).json["data"]["id"] for _ in range(2))
    long_ago = now() - GIVEN_UP_AFTER - timedelta(seconds=1)
    built.database["runs"].update_one({"_id": lost}, {"$set": {"leaseUntil": long_ago}})
    built.jobs.run_scheduled("deliver-mail")
    states = {run["_id"]: (run["status"], run["error"]) for run in stored(built, job="purge-accounts")}
    assert states == {lost: ("FAILED", "RUN_LOST"), fresh: ("QUEUED", None)}
    built.jobs.run_queued(lost)
    assert stored(built, _id=lost)[0]["status"] == "FAILED"
    assert built.database["jobs"].find_one({"_id": "purge-accounts"})["failuresInARow"] == 1


def going_on(built: Built, job: str, trigger: str, lease: timedelta) -> str:
    """A run that another worker has, whose lease ends that far from now."""
    identifier = new_id()
    slot = {"slot": SLOT - timedelta(days=1)} if trigger == "schedule" else {}
    run = {"_id": identifier, "job": job, "trigger": trigger, "status": "RUNNING", "claim": "other", **slot}
    times = {"queuedAt": now(), "startedAt": now(), "finishedAt": None, "leaseUntil": now() + lease}
    built.database["runs"].insert_one({**run, **times, "requestedBy": None, "result": None, "error": None})
    return identifier


def test_after_a_restore_no_run_keeps_a_job_waiting(
    client: FlaskClient, built: Built, start_process: Any, env: dict[str, str]
) -> None:
    client.post("/api/v1/admin/jobs/purge-accounts/run", headers=ADMIN)
    going_on(built, "deliver-mail", "schedule", timedelta(minutes=1))
    assert start_process("scheduler_service.end_runs", env=env).child.wait(30) == 0
    assert {(run["job"], run["status"], run["error"]) for run in stored(built)} == {
        ("purge-accounts", "FAILED", "RUN_LOST"),
        ("deliver-mail", "FAILED", "RUN_LOST"),
    }


def test_no_job_runs_beside_itself(built: Built, client: FlaskClient) -> None:
    other = going_on(built, "deliver-mail", "schedule", timedelta(minutes=1))
    built.jobs.run_scheduled("deliver-mail")
    assert [run["_id"] for run in stored(built)] == [other]
    asked = client.post("/api/v1/admin/jobs/deliver-mail/run", headers=ADMIN).json["data"]["id"]
    with pytest.raises(RunBusy):
        built.jobs.run_queued(asked)
    built.database["runs"].update_one({"_id": other}, {"$set": {"status": "SUCCEEDED"}})
    built.jobs.run_queued(asked)
    assert stored(built, _id=asked)[0]["status"] == "SUCCEEDED"


def test_a_run_whose_worker_died_is_followed_as_soon_as_its_lease_is_over(built: Built, client: FlaskClient) -> None:
    dead = going_on(built, "deliver-mail", "schedule", timedelta(seconds=-1))
    built.jobs.run_scheduled("deliver-mail")
    assert {run["_id"] == dead: (run["status"], run["error"]) for run in stored(built)} == {
        True: ("FAILED", "RUN_LOST"),
        False: ("SUCCEEDED", None),
    }


def test_failures_in_a_row_and_the_last_success_are_seen_and_three_are_an_alarm(
    built: Built, client: FlaskClient, clock: Clock, amqp_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    def overview() -> tuple[str | None, int]:
        items = client.get("/api/v1/admin/jobs", headers=ADMIN).json["data"]["items"]
        job = next(item for item in items if item["name"] == "purge-accounts")
        return job["lastSuccessAt"], job["failuresInARow"]

    def ring() -> None:
        clock.shift += timedelta(minutes=6)
        built.jobs.run_scheduled("purge-accounts")

    with peer(amqp_url, "user-service", purge_due_accounts=lambda limit: {"purged": 1}):
        ring()
    success, failures = overview()
    assert success
    assert failures == 0
    for number in range(1, 4):
        assert "JobFailing" not in capfd.readouterr().out
        ring()
        assert overview() == (success, number)
    assert "JobFailing" in capfd.readouterr().out
    with peer(amqp_url, "user-service", purge_due_accounts=lambda limit: {"purged": 1}):
        ring()
    assert overview()[1] == 0


def test_runs_that_died_beside_one_another_are_ended_by_the_migration(
    built_from: Building, env: dict[str, str]
) -> None:
    with built_from(env) as made:
        runs = made.database["runs"]
        runs.drop_index("one_running")
        dead = [going_on(made, "deliver-mail", "manual", timedelta(minutes=1)) for _ in range(3)]
        module = importlib.import_module("scheduler_service.migrations.001_one_run_at_a_time")
        module.forward(made.database.db)
        module.forward(made.database.db)
        migrator(made.database).up()
        assert [run["status"] for run in stored(made, _id={"$in": dead})] == ["FAILED", "FAILED", "RUNNING"]
        assert "one_running" in runs.index_information()
