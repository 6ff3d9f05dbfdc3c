"""What an admin sees, and that nobody else does."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.clock import new_id
from devkit.testing import bearer
from user_service.app import create_app
from user_service.bootstrap import Built

ME = "/api/v1/users/me"
USERS = "/api/v1/admin/users"
ERASURES = "/api/v1/admin/erasures"
ADMIN = bearer("boss", "admin", "Bo Oss", "boss@clinic.example")


@pytest.fixture
def clinic(fresh: Built) -> FlaskClient:
    """Nobody there yet; deleted accounts are due at once."""
    app = create_app(fresh)
    app.testing = True
    return app.test_client()


def seen(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [item["id"] for item in answer.json["data"]["items"]]


def listed(client: FlaskClient, **query: Any) -> list[str]:
    return seen(client.get(USERS, query_string=query, headers=ADMIN))


def arrive(client: FlaskClient, user_id: str, role: str = "patient", name: str = "Pat Doe") -> None:
    assert client.get(ME, headers=bearer(user_id, role, name)).status_code == 200


def pages(client: FlaskClient, path: str, **query: Any) -> list[str]:
    found: list[str] = []
    cursor = None
    for _ in range(20):
        answer = client.get(path, query_string=query | ({"cursor": cursor} if cursor else {}), headers=ADMIN)
        found += seen(answer)
        cursor = answer.json["data"]["nextCursor"]
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


def test_users_are_paged_newest_first_without_gap_or_repetition(clinic: FlaskClient, fresh: Built) -> None:
    ids = [new_id() for _ in range(7)]
    for user_id in ids:
        arrive(clinic, user_id, role="doctor" if user_id in ids[:3] else "patient")
    expected = sorted(fresh.database["users"].find(), key=lambda u: (u["createdAt"], u["_id"]), reverse=True)
    for size in (1, 2, 3, 7, 100):
        assert pages(clinic, USERS, limit=size) == [user["_id"] for user in expected]


def test_users_are_filtered_by_status_and_role(clinic: FlaskClient) -> None:
    patient, doctor, gone = new_id(), new_id(), new_id()
    arrive(clinic, patient)
    arrive(clinic, doctor, "doctor")
    clinic.delete(ME, json={"reason": "OTHER"}, headers=bearer(gone, "doctor"))
    assert set(listed(clinic)) == {patient, doctor, gone}
    assert set(listed(clinic, role="doctor")) == {doctor, gone}
    assert listed(clinic, status="DELETED") == [gone]
    assert listed(clinic, status="ACTIVE", role="doctor") == [doctor]


def test_users_are_found_by_the_beginning_of_name_or_address(clinic: FlaskClient) -> None:
    ines, anna, star = "zoe-1", "ann-2", "star-3"
    arrive(clinic, ines, name="Inès Moreau")
    arrive(clinic, anna, name="Anna Inès")
    arrive(clinic, star, name="A.*")
    assert listed(clinic, q="INÈS mo") == [ines]
    assert listed(clinic, q="Zoe-1@clinic") == [ines]
    assert listed(clinic, q="ann") == [anna]
    assert listed(clinic, q=".*") == []
    assert listed(clinic, q="a.*") == [star]
    assert set(pages(clinic, USERS, q="a", limit=1)) == {anna, star}
    assert listed(clinic, q="ann", role="doctor") == []


def test_a_changed_name_is_found_by_the_new_one(clinic: FlaskClient) -> None:
    arrive(clinic, "mia", name="Mia Old")
    clinic.patch(ME, json={"name": "New Mia"}, headers=bearer("mia"))
    assert (listed(clinic, q="new"), listed(clinic, q="mia old")) == (["mia"], [])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "GONE"}, "status"),
        ({"role": "boss"}, "role"),
        ({"q": ""}, "q"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "WzEsMl0"}, "cursor"),
        ({"sort": "name"}, "sort"),
    ],
)
def test_bad_parameters_are_named(client: FlaskClient, query: dict[str, str], field: str) -> None:
    answer = client.get(USERS, query_string=query, headers=ADMIN)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_an_admin_sees_why_and_until_when_an_account_is_deleted(client: FlaskClient, user_id: str) -> None:
    client.delete(ME, json={"reason": "SWITCHING", "comment": "Bye."}, headers=bearer(user_id))
    answer = client.get(f"{USERS}/{user_id}", headers=ADMIN)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    data = answer.json["data"]
    assert (data["deletion"]["reason"], data["deletion"]["comment"]) == ("SWITCHING", "Bye.")
    assert data["scheduledDeletionAt"] > data["deletion"]["requestedAt"]


def test_an_unknown_user_is_not_found(client: FlaskClient) -> None:
    answer = client.get(f"{USERS}/{new_id()}", headers=ADMIN)
    assert (answer.status_code, answer.json["code"]) == (404, "NOT_FOUND")


def test_erasures_are_paged_newest_first(clinic: FlaskClient, fresh: Built) -> None:
    ids = [new_id() for _ in range(3)]
    for user_id in ids:
        clinic.delete(ME, json={"reason": "OTHER"}, headers=bearer(user_id))
        fresh.service.erasures.purge_due(100)
    assert pages(clinic, ERASURES, limit=2) == ids[::-1]
    item = clinic.get(ERASURES, headers=ADMIN).json["data"]["items"][0]
    assert (len(item["awaiting"]), item["completedAt"]) == (5, None)


@pytest.mark.parametrize("path", [USERS, f"{USERS}/boss", ERASURES])
@pytest.mark.parametrize("role", ["patient", "doctor"])
def test_only_an_admin_sees_them(client: FlaskClient, path: str, role: str) -> None:
    answer = client.get(path, headers=bearer(new_id(), role))
    assert (answer.status_code, answer.json["code"]) == (403, "FORBIDDEN")
    assert client.get(path).status_code == 401
