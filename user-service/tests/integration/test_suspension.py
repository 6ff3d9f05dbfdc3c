"""Suspension and reinstatement: who may, what it closes, and what races."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.api import operations
from chassis.clock import new_id
from chassis.identity import Identity
from devkit.testing import assert_valid, bearer
from user_service.bootstrap import Built
from user_service.domain import DeletionReason
from user_service.errors import AccountSuspended

AtOnce = Callable[..., list[Any]]
ME = "/api/v1/users/me"
USERS = "/api/v1/admin/users"
REASON = {"reason": "Books and never comes."}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("DELETE", "/users/me"): {"reason": "OTHER"},
    ("POST", "/admin/users/<id>/suspend"): REASON,
}


@pytest.fixture
def boss() -> str:
    return new_id()


@pytest.fixture
def patient(client: FlaskClient, user_id: str) -> str:
    assert client.get(ME, headers=bearer(user_id)).status_code == 200
    return user_id


def act(client: FlaskClient, admin: str, what: str, user_id: str, if_match: str | None = None) -> TestResponse:
    headers = bearer(admin, "admin") | ({"If-Match": if_match} if if_match else {})
    body = {"json": REASON} if what == "suspend" else {}
    return client.post(f"{USERS}/{user_id}/{what}", headers=headers, **body)


def refusal(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def stored(built: Built, user_id: str) -> dict[str, Any]:
    user = built.database["users"].find_one({"_id": user_id})
    assert user
    return user


def announced(built: Built, user_id: str) -> list[str]:
    unpublished = stored(built, user_id).get("outbox", [])
    for event in unpublished:
        assert_valid(event)
    return [event["type"] for event in unpublished]


def entered(built: Built, user_id: str) -> list[tuple[str, str, str]]:
    found = built.database["audit"].find({"subjectId": user_id}).sort([("at", 1), ("_id", 1)])
    return [(entry["action"], entry["actorId"], entry["actorRole"]) for entry in found]


def test_a_suspended_account_says_why_since_when_and_by_whom(
    client: FlaskClient, built: Built, patient: str, boss: str
) -> None:
    answer = act(client, boss, "suspend", patient)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    data = answer.json["data"]
    assert (data["status"], data["suspension"]["reason"], data["suspension"]["by"]) == (
        "SUSPENDED",
        REASON["reason"],
        boss,
    )
    assert data["suspension"]["at"] == data["closedAt"]
    assert client.get(f"{USERS}/{patient}", headers=bearer(boss, "admin")).json["data"] == data
    assert announced(built, patient) == ["user-suspended"]
    assert REASON["reason"] not in str(stored(built, patient)["outbox"])
    assert entered(built, patient) == [("account.suspended", boss, "admin"), ("user.read", boss, "admin")]


def test_a_reinstated_account_is_as_it_was(client: FlaskClient, built: Built, patient: str, boss: str) -> None:
    act(client, boss, "suspend", patient)
    data = act(client, boss, "reinstate", patient).json["data"]
    assert (data["status"], data["suspension"], data["closedAt"], data["version"]) == ("ACTIVE", None, None, 3)
    assert announced(built, patient) == ["user-suspended", "user-reinstated"]
    assert entered(built, patient)[-1] == ("account.reinstated", boss, "admin")
    assert client.get(ME, headers=bearer(patient)).status_code == 200


def test_what_is_not_so_is_refused(client: FlaskClient, patient: str, boss: str) -> None:
    assert refusal(act(client, boss, "reinstate", patient)) == (409, "NOT_SUSPENDED")
    act(client, boss, "suspend", patient)
    assert refusal(act(client, boss, "suspend", patient)) == (409, "ACCOUNT_NOT_ACTIVE")
    gone = new_id()
    client.delete(ME, json={"reason": "OTHER"}, headers=bearer(gone))
    assert refusal(act(client, boss, "suspend", gone)) == (409, "ACCOUNT_NOT_ACTIVE")
    assert refusal(act(client, boss, "reinstate", gone)) == (409, "NOT_SUSPENDED")
    for what in ("suspend", "reinstate"):
        assert refusal(act(client, boss, what, new_id())) == (404, "NOT_FOUND")
    assert refusal(act(client, boss, "suspend", boss)) == (409, "CANNOT_SUSPEND_YOURSELF")


def test_a_stale_version_is_refused(client: FlaskClient, patient: str, boss: str) -> None:
    client.patch(ME, json={"locale": "fr"}, headers=bearer(patient))
    assert refusal(act(client, boss, "suspend", patient, '"1"')) == (412, "VERSION_MISMATCH")
    assert act(client, boss, "suspend", patient, '"2"').status_code == 200
    assert refusal(act(client, boss, "reinstate", patient, '"2"')) == (412, "VERSION_MISMATCH")
    assert act(client, boss, "reinstate", patient, '"3"').status_code == 200


@pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": "x" * 2001}, {"reason": "x", "by": "me"}])
def test_a_suspension_needs_its_reason_alone(
    client: FlaskClient, patient: str, boss: str, body: dict[str, str]
) -> None:
    answer = client.post(f"{USERS}/{patient}/suspend", json=body, headers=bearer(boss, "admin"))
    assert refusal(answer) == (422, "VALIDATION_FAILED")


def calls(client: FlaskClient, user_id: str) -> Iterator[tuple[str, TestResponse]]:
    """Every route that the roles of this person are let into, with a token that is still out."""
    for item in operations(client.application):
        path = f"/api/v1{item.path}".replace("<id>", user_id if item.path.startswith("/patients") else "somebody")
        for role in sorted(item.audience):
            body = BODIES.get((item.method, item.path), {})
            answer = client.open(path, method=item.method, json=body or None, headers=bearer(user_id, role))
            yield f"{role} {item.method} {item.path}", answer


def test_no_route_serves_a_suspended_callers_token(client: FlaskClient, patient: str, boss: str) -> None:
    act(client, boss, "suspend", patient)
    for call, answer in calls(client, patient):
        assert refusal(answer) == (403, "ACCOUNT_SUSPENDED"), call


def test_no_route_serves_a_deleted_callers_token(client: FlaskClient, patient: str) -> None:
    client.delete(ME, json={"reason": "OTHER"}, headers=bearer(patient))
    for call, answer in calls(client, patient):
        assert refusal(answer) == (403, "ACCOUNT_DELETED"), call


def test_no_route_serves_a_token_that_outlived_its_user(client: FlaskClient, built: Built, user_id: str) -> None:
    built.database["tombstones"].insert_one({"_id": user_id})
    for call, answer in calls(client, user_id):
        assert refusal(answer) == (401, "TOKEN_INVALID"), call


def test_a_suspended_account_cannot_be_recovered_into_life(
    client: FlaskClient, built: Built, patient: str, boss: str
) -> None:
    act(client, boss, "suspend", patient)
    with pytest.raises(AccountSuspended):
        built.service.accounts.recover(patient)


# races


@pytest.mark.parametrize("_", range(5))
def test_an_account_that_is_deleted_and_suspended_at_once_is_one_of_them(
    built: Built, who: Identity, at_once: AtOnce, _: int
) -> None:
    boss = replace(who, user_id=new_id(), role="admin")
    built.service.profiles.own(who)
    at_once(
        lambda: built.service.accounts.delete(who, DeletionReason.OTHER, None),
        lambda: built.service.accounts.suspend(boss, who.user_id, "Spam.", None),
    )
    user = stored(built, who.user_id)
    assert (user["deletion"] is None) != (user["suspension"] is None)
    assert user["version"] == 2
    assert announced(built, who.user_id) == ["user-deactivated" if user["status"] == "DELETED" else "user-suspended"]
    assert len(entered(built, who.user_id)) == 1


@pytest.mark.parametrize("_", range(5))
def test_of_two_admins_who_suspend_one_another_at_once_one_remains(
    built: Built, who: Identity, at_once: AtOnce, _: int
) -> None:
    first, second = (replace(who, user_id=new_id(), role="admin") for _ in range(2))
    for admin in (first, second):
        built.service.profiles.own(replace(admin, email=f"{admin.user_id}@clinic.example"))
    suspend = built.service.accounts.suspend
    at_once(
        lambda: suspend(first, second.user_id, "Rogue.", None),
        lambda: suspend(second, first.user_id, "Rogue.", None),
    )
    assert sorted(stored(built, admin.user_id)["status"] for admin in (first, second)) == ["ACTIVE", "SUSPENDED"]


def test_suspending_many_times_at_once_suspends_once(built: Built, who: Identity, at_once: AtOnce) -> None:
    boss = replace(who, user_id=new_id(), role="admin")
    built.service.profiles.own(who)
    at_once(*[lambda: built.service.accounts.suspend(boss, who.user_id, "Spam.", None)] * 6)
    assert announced(built, who.user_id) == ["user-suspended"]
    assert [action for action, _, _ in entered(built, who.user_id)] == ["account.suspended"]
