"""An admin deals with somebody who signed up a moment ago: the sign-up's event is still under way."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from chassis.clock import instant_text, now
from chassis.errors import AppError, NotFound, ServiceUnavailable
from chassis.rpc import RpcClient
from devkit.testing import bearer
from user_service import events
from user_service.bootstrap import Built

ADMIN = bearer("boss", "admin")


class AuthService:
    """Answers who signed up, or raises."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.answer: dict[str, Any] | AppError = NotFound()

    def call(self, service: str, method: str, *, timeout: float, user_id: str) -> Any:
        self.asked.append((f"{service}.{method}", user_id))
        if isinstance(self.answer, AppError):
            raise self.answer
        return {"userId": user_id, **self.answer}


@pytest.fixture
def auth(monkeypatch: pytest.MonkeyPatch) -> AuthService:
    made = AuthService()
    monkeypatch.setattr(RpcClient, "call", lambda _, *args, **kwargs: made.call(*args, **kwargs))
    return made


def signed_up(user_id: str) -> dict[str, Any]:
    return {
        "email": f"{user_id}@clinic.example",
        "name": "Ann Lee",
        "role": "doctor",
        "registeredAt": instant_text(now()),
    }


def test_a_newcomer_is_seen_and_can_be_suspended_at_once(
    client: FlaskClient, auth: AuthService, built: Built, user_id: str
) -> None:
    auth.answer = signed_up(user_id)
    reason = {"reason": "A second account."}
    suspended = client.post(f"/api/v1/admin/users/{user_id}/suspend", json=reason, headers=ADMIN)
    assert (suspended.status_code, suspended.json["data"]["status"]) == (200, "SUSPENDED")
    shown = client.get(f"/api/v1/admin/users/{user_id}", headers=ADMIN).json["data"]
    assert (shown["name"], shown["role"], shown["status"]) == ("Ann Lee", "doctor", "SUSPENDED")
    assert auth.asked == [("auth-service.registration", user_id)], "asked once, and not of who is known"
    # the event comes, and changes nothing
    late = events.UserRegistered.model_validate({"userId": user_id, **auth.answer})
    built.database.transact(lambda session: built.service.profiles.registered(late, session))
    assert client.get(f"/api/v1/admin/users/{user_id}", headers=ADMIN).json["data"]["status"] == "SUSPENDED"


@pytest.mark.parametrize("answer", [NotFound(), ServiceUnavailable()])
def test_who_is_unknown_there_too_or_cannot_be_asked_for_is_not_found(
    client: FlaskClient, auth: AuthService, user_id: str, answer: AppError
) -> None:
    auth.answer = answer
    assert client.get(f"/api/v1/admin/users/{user_id}", headers=ADMIN).status_code == 404
    body = {"reason": "Whoever it is."}
    assert client.post(f"/api/v1/admin/users/{user_id}/suspend", json=body, headers=ADMIN).status_code == 404


def test_an_erased_user_is_not_brought_back_by_asking(
    client: FlaskClient, auth: AuthService, fresh: Built, user_id: str
) -> None:
    auth.answer = signed_up(user_id)
    accounts, profiles = fresh.service.accounts, fresh.service.profiles
    assert profiles.get(user_id)["name"] == "Ann Lee"
    fresh.database["users"].delete_one({"_id": user_id})
    fresh.database["tombstones"].insert_one({"_id": user_id, "at": now()})
    with pytest.raises(NotFound):
        accounts.contact(user_id)
    assert fresh.database["users"].find_one({"_id": user_id}) is None
