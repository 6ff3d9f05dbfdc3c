"""Who was erased stays erased after a restore: the ledger outside of the database, and erasing again by it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from chassis.clock import new_id, now
from devkit.testing import assert_valid, bearer, environment
from tests.conftest import built_from
from user_service import events
from user_service.app import create_app
from user_service.bootstrap import Built
from user_service.ledger import Ledger

AtOnce = Callable[..., list[Any]]
ME = "/api/v1/users/me"
ADMIN = bearer("boss", "admin", "Bo Oss", "boss@clinic.example")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "ledger"


@pytest.fixture
def env(fresh_mongodb_uri: str, amqp_url: str, path: Path) -> dict[str, str]:
    return environment(fresh_mongodb_uri, amqp_url, ACCOUNT_RECOVERY_DAYS="1e-9", ERASURE_LEDGER=str(path))


@pytest.fixture
def fresh(env: dict[str, str]) -> Iterator[Built]:
    yield from built_from(env)


@pytest.fixture
def client(fresh: Built) -> FlaskClient:
    app = create_app(fresh)
    app.testing = True
    return app.test_client()


def leave(client: FlaskClient, user_id: str) -> None:
    assert client.delete(ME, json={"reason": "OTHER"}, headers=bearer(user_id)).status_code == 200


def receive_all(fresh: Built, user_id: str) -> None:
    event = events.UserDataErased(user_id=user_id, erased_at=now())
    for service in events.HOLDERS:
        fresh.database.transact(lambda session, name=service: fresh.service.erasures.receipt(name, event, session))


def shown(client: FlaskClient, user_id: str) -> dict[str, Any]:
    answer = client.get("/api/v1/admin/erasures", headers=ADMIN)
    assert answer.json
    return next(item for item in answer.json["data"]["items"] if item["id"] == user_id)


def announcements(fresh: Built, user_id: str) -> list[dict[str, Any]]:
    found = fresh.database["tombstones"].find_one({"_id": user_id})
    assert found
    for event in found["outbox"]:
        assert_valid(event)
    return [event for event in found["outbox"] if event["type"] == "user-deleted"]


def test_a_purge_is_in_the_ledger_with_its_bare_id_for_its_owner_alone(
    client: FlaskClient, fresh: Built, path: Path, user_id: str
) -> None:
    leave(client, user_id)
    assert fresh.service.erasures.purge_due(100) == 1
    line = path.read_text()
    assert line.startswith(f"{user_id} {now():%Y-%m-%dT}")
    assert len(line) == len(f"{user_id} 2026-01-01T00:00:00.000Z\n")
    assert path.stat().st_mode & 0o777 == 0o600
    receive_all(fresh, user_id)
    assert shown(client, user_id)["completedAt"]


def test_a_ledger_that_cannot_be_written_keeps_no_one_and_is_caught_up_with(
    client: FlaskClient, fresh: Built, path: Path, user_id: str
) -> None:
    path.mkdir(parents=True)
    leave(client, user_id)
    with capture_logs() as logs:
        assert fresh.service.erasures.purge_due(100) == 1
    assert [line["alarm"] for line in logs if "alarm" in line] == ["ErasureLedgerBehind"]
    receive_all(fresh, user_id)
    # every service has erased, and yet a restore could bring the person back
    assert shown(client, user_id)["awaiting"] == ["ledger"]
    assert shown(client, user_id)["completedAt"] is None
    fresh.database["erasures"].update_one({"_id": user_id}, {"$set": {"announcedAt": now() - timedelta(days=1)}})
    assert fresh.service.erasures.reannounce_late(100) == 0, "no service is asked again for that"
    path.rmdir()
    fresh.service.erasures.reannounce_late(100)
    assert list(Ledger(path).read()) == [user_id]
    assert shown(client, user_id)["completedAt"]


def test_what_a_crash_left_out_is_added_and_what_is_there_is_not_added_twice(
    client: FlaskClient, fresh: Built, path: Path
) -> None:
    ids = [new_id() for _ in range(3)]
    for user_id in ids:
        leave(client, user_id)
    fresh.service.erasures.purge_due(100)
    # of the first the note is lost, of the second the line, the third is from a version that kept no ledger
    erasures = fresh.database["erasures"]
    erasures.update_one({"_id": ids[0]}, {"$unset": {"receipts.ledger": 1}, "$push": {"awaiting": "ledger"}})
    erasures.update_one({"_id": ids[1]}, {"$unset": {"receipts.ledger": 1}, "$push": {"awaiting": "ledger"}})
    erasures.update_one({"_id": ids[2]}, {"$set": {"receipts": {}, "completedAt": now()}})
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    fresh.service.erasures.reannounce_late(100)
    assert [line.split()[0] for line in path.read_text().splitlines()] == ids
    assert erasures.count_documents({"receipts.ledger": None}) == 0
    size = path.stat().st_size
    assert fresh.service.erasures.note_all() == 0
    assert path.stat().st_size == size


def test_any_number_append_at_once_and_none_is_lost(path: Path, at_once: AtOnce) -> None:
    ids = [new_id() for _ in range(40)]
    at_once(*[lambda part=ids[start::8]: Ledger(path).append(dict.fromkeys(part, now())) for start in range(8)])
    assert set(Ledger(path).read()) == set(ids)


@pytest.mark.parametrize("left", [5, 32, 33, 40, 56])
def test_a_line_that_was_cut_off_is_no_entry_and_spoils_none(path: Path, left: int) -> None:
    ledger, at = Ledger(path), datetime(2026, 3, 1, 12, tzinfo=UTC)
    before, torn, after = (new_id() for _ in range(3))
    ledger.append({before: at})
    with path.open("a") as out:
        out.write(f"{torn} 2026-03-01T12:00:00.000Z"[:left])
    assert list(ledger.read()) == [before]
    ledger.append({after: at})
    assert ledger.read() == {before: at, after: at}


def test_who_comes_back_with_a_backup_is_erased_again_and_nobody_else(
    client: FlaskClient, fresh: Built, path: Path, env: dict[str, str]
) -> None:
    active, suspended, complete, unknown, staying = (new_id() for _ in range(5))
    for user_id in (active, suspended, complete, staying):
        client.get(ME, headers=bearer(user_id))
    record = {"allergies": ["canary"]}
    assert client.put("/api/v1/patients/me", json=record, headers=bearer(active)).status_code == 200
    client.post(f"/api/v1/admin/users/{suspended}/suspend", json={"reason": "No"}, headers=ADMIN)
    leave(client, complete)
    fresh.service.erasures.purge_due(100)
    receive_all(fresh, complete)
    began = now() - timedelta(days=2)
    Ledger(path).append(dict.fromkeys((active, suspended, unknown), began))
    erased = (active, suspended, complete, unknown)

    command = [sys.executable, "-m", "user_service.erase_again", str(path)]
    subprocess.run(command, env={**os.environ, **env}, check=True)
    assert set(fresh.service.erasures.incomplete()) == set(erased)
    for user_id in erased:
        assert fresh.database["users"].find_one({"_id": user_id}) is None
        assert announcements(fresh, user_id)
        assert shown(client, user_id)["completedAt"] is None
        assert client.get(ME, headers=bearer(user_id)).status_code == 401
    assert fresh.database["patients"].find_one({}) is None
    assert abs(datetime.fromisoformat(shown(client, active)["startedAt"]) - began) < timedelta(milliseconds=1)
    assert client.get(ME, headers=bearer(staying)).status_code == 200

    # again is the same as once, but that it is announced again
    assert fresh.service.erasures.erase_again() == 4
    assert len(announcements(fresh, unknown)) == 2
    for user_id in erased:
        receive_all(fresh, user_id)
        assert shown(client, user_id)["completedAt"]
    assert fresh.service.erasures.incomplete() == []


def test_before_a_restore_what_the_database_knows_is_saved_whatever_the_ledger_had(
    client: FlaskClient, fresh: Built, path: Path, user_id: str
) -> None:
    leave(client, user_id)
    fresh.service.erasures.purge_due(100)
    path.unlink()
    assert fresh.service.erasures.note_all() == 1
    assert list(Ledger(path).read()) == [user_id]
