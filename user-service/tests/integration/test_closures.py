"""What the gateway asks: who was closed lately, and whether an account may act."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from chassis.clock import new_id, now
from devkit.testing import bearer
from user_service.app import create_app
from user_service.bootstrap import Built

ME = "/api/v1/users/me"
ADMIN = bearer("boss", "admin", "Bo Oss", "boss@clinic.example")


@pytest.fixture
def clinic(fresh: Built) -> FlaskClient:
    """Nobody there yet; deleted accounts are due at once."""
    app = create_app(fresh)
    app.testing = True
    return app.test_client()


def delete(client: FlaskClient, user_id: str) -> None:
    assert client.delete(ME, json={"reason": "OTHER"}, headers=bearer(user_id)).status_code == 200


def suspend(client: FlaskClient, user_id: str) -> None:
    client.get(ME, headers=bearer(user_id))
    answer = client.post(f"/api/v1/admin/users/{user_id}/suspend", json={"reason": "Spam."}, headers=ADMIN)
    assert answer.status_code == 200


def is_active(client: FlaskClient, user_id: str) -> bool:
    answer = client.get(f"/internal/accounts/{user_id}")
    assert (answer.status_code, set(answer.json)) == (200, {"active"})
    active: bool = answer.json["active"]
    return active


def test_whoever_was_closed_lately_is_told_with_the_moment(clinic: FlaskClient, fresh: Built) -> None:
    purged, deleted, suspended = new_id(), new_id(), new_id()
    delete(clinic, purged)
    fresh.service.erasures.purge_due(100)
    delete(clinic, deleted)
    suspend(clinic, suspended)
    clinic.get(ME, headers=bearer(new_id()))
    closures = clinic.get("/internal/closures").json["users"]
    assert set(closures) == {purged, deleted, suspended}
    for user_id in (deleted, suspended):
        closed_at = fresh.database["users"].find_one({"_id": user_id})["closedAt"]
        assert closures[user_id] == pytest.approx(closed_at.timestamp(), abs=0.0005)
    assert all(abs(now().timestamp() - moment) < 30 for moment in closures.values())


def test_whoever_is_back_or_was_closed_long_ago_is_not(clinic: FlaskClient, fresh: Built) -> None:
    back, long_gone, long_suspended, long_purged = (new_id() for _ in range(4))
    suspend(clinic, back)
    clinic.post(f"/api/v1/admin/users/{back}/reinstate", headers=ADMIN)
    delete(clinic, long_purged)
    fresh.service.erasures.purge_due(100)
    delete(clinic, long_gone)
    suspend(clinic, long_suspended)
    before = now() - timedelta(seconds=3601)
    closed = {"_id": {"$in": [long_gone, long_suspended]}}
    fresh.database["users"].update_many(closed, {"$set": {"closedAt": before}})
    fresh.database["erasures"].update_one({"_id": long_purged}, {"$set": {"startedAt": before}})
    assert clinic.get("/internal/closures").json == {"users": {}}


def test_an_account_may_act_unless_it_is_closed(clinic: FlaskClient, fresh: Built) -> None:
    unknown, active, deleted, suspended, purged = (new_id() for _ in range(5))
    delete(clinic, purged)
    fresh.service.erasures.purge_due(100)
    clinic.get(ME, headers=bearer(active))
    delete(clinic, deleted)
    suspend(clinic, suspended)
    answers = [is_active(clinic, user_id) for user_id in (unknown, active, deleted, suspended, purged)]
    assert answers == [True, True, False, False, False]
    clinic.post(f"/api/v1/admin/users/{suspended}/reinstate", headers=ADMIN)
    assert is_active(clinic, suspended)


def test_a_recovered_account_is_active_and_no_closure(client: FlaskClient, built: Built, user_id: str) -> None:
    delete(client, user_id)
    assert user_id in client.get("/internal/closures").json["users"]
    built.service.accounts.recover(user_id)
    assert is_active(client, user_id)
    assert user_id not in client.get("/internal/closures").json["users"]


def test_what_is_asked_inside_is_no_part_of_the_public_contract(client: FlaskClient) -> None:
    for path in ("closures", f"accounts/{new_id()}"):
        assert client.get(f"/api/v1/internal/{path}").status_code == 404
