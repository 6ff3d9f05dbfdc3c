"""Erasure that is proven: open until every receipt is in, announced again while one is late."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from chassis.clock import new_id, now
from devkit.testing import assert_valid, bearer
from user_service import events
from user_service.app import create_app
from user_service.bootstrap import Built, make_service
from user_service.looks import LATE_AFTER, looks
from user_service.service import Service

AtOnce = Callable[..., list[Any]]
ME = "/api/v1/users/me"
ADMIN = bearer("boss", "admin", "Bo Oss", "boss@clinic.example")
LATE = timedelta(seconds=601)


@pytest.fixture
def client(fresh: Built) -> FlaskClient:
    app = create_app(fresh)
    app.testing = True
    return app.test_client()


@pytest.fixture
def purged(client: FlaskClient, fresh: Built, user_id: str) -> str:
    """Somebody whose erasure has just begun."""
    client.delete(ME, json={"reason": "OTHER"}, headers=bearer(user_id))
    assert fresh.service.erasures.purge_due(100) == 1
    return user_id


def after(fresh: Built, delay: timedelta) -> Service:
    """The service as it will be then."""
    moment: datetime = now() + delay
    return make_service(fresh.config, fresh.database, lambda: moment)


def erasure(fresh: Built, user_id: str) -> dict[str, Any]:
    found = fresh.database["erasures"].find_one({"_id": user_id})
    assert found
    return found


def announcements(fresh: Built, user_id: str) -> list[dict[str, Any]]:
    tombstone = fresh.database["tombstones"].find_one({"_id": user_id})
    assert tombstone
    unpublished = [*tombstone["outbox"], *erasure(fresh, user_id).get("outbox", [])]
    for event in unpublished:
        assert_valid(event)
    return [event for event in unpublished if event["type"] == "user-deleted"]


def receive(fresh: Built, user_id: str, *services: str) -> None:
    event = events.UserDataErased(user_id=user_id, erased_at=now())
    for service in services:
        fresh.database.transact(lambda session, name=service: fresh.service.erasures.receipt(name, event, session))


def shown(client: FlaskClient, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/admin/erasures", query_string=query, headers=ADMIN)
    assert answer.status_code == 200, answer.json
    items: list[dict[str, Any]] = answer.json["data"]["items"]
    return items


def test_an_erasure_is_not_announced_again_before_it_is_late(fresh: Built, purged: str) -> None:
    assert fresh.service.erasures.reannounce_late(100) == 0
    assert after(fresh, timedelta(seconds=590)).erasures.reannounce_late(100) == 0
    assert len(announcements(fresh, purged)) == 1


def test_a_late_erasure_is_announced_again_as_a_new_event_that_says_the_same(fresh: Built, purged: str) -> None:
    receive(fresh, purged, "auth-service")
    assert after(fresh, LATE).erasures.reannounce_late(100) == 1
    first, second = announcements(fresh, purged)
    assert first["id"] != second["id"]
    assert first["data"] == second["data"]
    assert erasure(fresh, purged)["announcements"] == 2


def test_what_was_announced_again_is_given_as_long_to_answer_as_before(fresh: Built, purged: str) -> None:
    assert [after(fresh, LATE * n).erasures.reannounce_late(100) for n in (1, 1, 2, 2)] == [1, 0, 1, 0]
    assert len(announcements(fresh, purged)) == 3


def test_an_erasure_that_takes_far_too_long_is_an_alarm_that_names_services_and_nobody(
    fresh: Built, purged: str, capfd: pytest.CaptureFixture[str]
) -> None:
    receive(fresh, purged, *(service for service in events.HOLDERS if service != "auth-service"))
    after(fresh, LATE * 5).erasures.reannounce_late(100)
    assert "ErasureLate" not in capfd.readouterr().out
    after(fresh, LATE * 6).erasures.reannounce_late(100)
    (line,) = [line for line in capfd.readouterr().out.splitlines() if "ErasureLate" in line]
    assert "auth-service" in line
    assert purged not in line


def test_a_complete_erasure_is_never_announced_again(fresh: Built, purged: str) -> None:
    receive(fresh, purged, *events.HOLDERS)
    assert after(fresh, LATE).erasures.reannounce_late(100) == 0


def test_complete_erasures_do_not_keep_an_open_one_waiting(client: FlaskClient, fresh: Built, purged: str) -> None:
    receive(fresh, purged, *events.HOLDERS)
    client.delete(ME, json={"reason": "OTHER"}, headers=bearer(new_id()))
    fresh.service.erasures.purge_due(100)
    assert after(fresh, LATE).erasures.reannounce_late(1) == 1


def test_runs_at_once_announce_once(fresh: Built, purged: str, at_once: AtOnce) -> None:
    for turn in range(1, 6):
        later = after(fresh, LATE * turn).erasures
        assert sum(at_once(*[lambda now=later: now.reannounce_late(100)] * 6)) == 1
    assert len(announcements(fresh, purged)) == 6


def test_a_run_announces_no_more_than_its_limit_those_that_wait_longest_first(
    client: FlaskClient, fresh: Built
) -> None:
    ids = [new_id() for _ in range(3)]
    for user_id in ids:
        client.delete(ME, json={"reason": "OTHER"}, headers=bearer(user_id))
        fresh.service.erasures.purge_due(100)
    later = after(fresh, LATE)
    assert later.erasures.reannounce_late(2) == 2
    assert [erasure(fresh, user_id)["announcements"] for user_id in ids] == [2, 2, 1]
    assert [later.erasures.reannounce_late(2) for _ in range(2)] == [1, 0]


def test_an_admin_sees_what_is_open_what_is_late_and_who_has_answered(
    client: FlaskClient, fresh: Built, purged: str
) -> None:
    receive(fresh, purged, "review-service")
    (item,) = shown(client, open="true")
    assert set(item["awaiting"]) == set(events.HOLDERS) - {"review-service"}
    assert (list(item["receipts"]), item["announcements"], item["late"]) == (["review-service"], 1, False)
    assert item["announcedAt"] == item["startedAt"]
    assert shown(client, open="false") == []
    # late from the moment on that it is due to be announced again, and while that takes
    long_ago = {"$set": {"startedAt": now() - LATE}}
    fresh.database["erasures"].update_one({"_id": purged}, long_ago)
    assert shown(client)[0]["late"]
    receive(fresh, purged, *events.HOLDERS)
    (item,) = shown(client, open="false")
    assert (item["late"], item["awaiting"], len(item["receipts"])) == (False, [], 5)
    assert shown(client, open="true") == []


def test_metrics_tell_of_erasures_that_are_open_and_late(fresh: Built, purged: str) -> None:
    (look,) = looks(fresh.database)

    def told() -> list[float | None]:
        look.do()
        return [REGISTRY.get_sample_value(name) for name in ("erasures_pending", "erasures_late")]

    assert told() == [1, 0]
    fresh.database["erasures"].update_one(
        {"_id": purged}, {"$set": {"startedAt": now() - LATE_AFTER - timedelta(seconds=5)}}
    )
    assert told() == [1, 1]
    receive(fresh, purged, *events.HOLDERS)
    assert told() == [0, 0]


def test_a_purge_leaves_the_person_in_no_collection(client: FlaskClient, fresh: Built, user_id: str) -> None:
    canary = {"email": "canary@clinic.example", "name": "Ada Canary"}
    headers = bearer(user_id, **canary)
    fields = {
        "phone": "+41445550123",
        "avatarUrl": "https://pictures.example/canary.png",
        "locale": "fr-CANARY",
        "timezone": "Europe/Zurich",
    }
    assert client.patch(ME, json=fields, headers=headers).status_code == 200
    record = {
        "dateOfBirth": "1970-01-01",
        "bloodGroup": "A+",
        "allergies": ["canary"],
        "conditions": ["canary"],
        "medications": ["canary"],
        "emergencyContact": {"name": "Canary", "phone": "+41445550123", "relation": "canary"},
        "insurance": {"provider": "Canary", "policyNumber": "canary"},
    }
    assert client.put("/api/v1/patients/me", json=record, headers=headers).status_code == 200
    client.post(f"/api/v1/admin/users/{user_id}/suspend", json={"reason": "Canary"}, headers=ADMIN)
    client.post(f"/api/v1/admin/users/{user_id}/reinstate", headers=ADMIN)
    fresh.database["audit"].insert_one(
        {"_id": new_id(), "at": now(), "action": "session.opened", "actorId": user_id, "address": "canary"}
    )
    client.delete(ME, json={"reason": "OTHER", "comment": "Canary"}, headers=headers)
    assert fresh.service.erasures.purge_due(100) == 1
    left = {
        name: [document for document in fresh.database[name].find() if "canary" in repr(document).lower()]
        for name in fresh.database.db.list_collection_names()
    }
    assert {name: found for name, found in left.items() if found} == {}
    # under the id there is only what tells that, and when, it was erased
    holders = {name for name in left if fresh.database[name].find_one({"_id": user_id})}
    assert holders == {"tombstones", "erasures"}
