"""Signing up and in."""

import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from werkzeug.test import TestResponse

from auth_service.bootstrap import Built
from chassis.clock import new_id

PASSWORD = "plum-orchard-kettle-9"


def sign_up(client: FlaskClient, **fields: str) -> TestResponse:
    body = {"email": f"{new_id()}@clinic.example", "password": PASSWORD, "name": "Ann Lee", **fields}
    return client.post("/api/v1/auth/signup", json=body)


def log_in(client: FlaskClient, email: str, password: str = PASSWORD) -> TestResponse:
    return client.post("/api/v1/auth/login", json={"email": email, "password": password})


def test_signing_up_makes_an_account_and_a_session(client: FlaskClient) -> None:
    answer = sign_up(client, role="doctor")
    data = answer.json["data"]
    assert answer.status_code == 201
    assert (data["user"]["role"], data["user"]["status"]) == ("doctor", "ACTIVE")
    devices = client.get("/api/v1/auth/sessions", headers={"Authorization": f"Bearer {data['accessToken']}"})
    assert [item["id"] for item in devices.json["data"]["items"]] == [data["sessionId"]]


def test_an_address_can_be_taken_once_whatever_its_case(client: FlaskClient) -> None:
    email = f"{new_id()}@clinic.example"
    assert sign_up(client, email=email).status_code == 201
    again = sign_up(client, email=email.upper())
    assert (again.status_code, again.json["code"]) == (409, "EMAIL_TAKEN")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "nobody"),
        ("email", "a@b\ncc.example"),
        ("password", "short"),
        ("password", "passwordpassword"),
        ("password", "x" * 129),
        ("name", ""),
        ("name", "A\u0000B"),
        ("role", "admin"),
        ("status", "ACTIVE"),
    ],
)
def test_bad_fields_are_named(client: FlaskClient, field: str, value: str) -> None:
    answer = sign_up(client, **{field: value})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_the_wrong_password_and_an_unknown_address_get_the_same_answer(client: FlaskClient) -> None:
    email = sign_up(client).json["data"]["user"]["email"]
    wrong, unknown = log_in(client, email, "not the password"), log_in(client, f"{new_id()}@clinic.example")
    assert wrong.status_code == unknown.status_code == 401
    assert {**wrong.json, "requestId": ""} == {**unknown.json, "requestId": ""}


def test_sign_ups_and_sign_ins_are_counted_and_refusals_by_their_code(client: FlaskClient) -> None:
    series = [
        ("signups_total", {"role": "patient"}),
        ("logins_total", {}),
        ("logins_refused_total", {"code": "INVALID_CREDENTIALS"}),
    ]

    def counted() -> list[float]:
        return [REGISTRY.get_sample_value(name, labels) or 0 for name, labels in series]

    before = counted()
    email = sign_up(client).json["data"]["user"]["email"]
    sign_up(client, email=email)
    log_in(client, email)
    log_in(client, email, "not the password")
    log_in(client, f"{new_id()}@clinic.example")
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [1, 1, 2]


def test_the_first_admin_is_made_at_the_start_and_only_then(
    client: FlaskClient, built: Built, admin: dict[str, str]
) -> None:
    assert log_in(client, **admin).json["data"]["user"]["role"] == "admin"
    assert not built.service.accounts.ensure_admin("another@clinic.example", PASSWORD)
    assert log_in(client, "another@clinic.example").status_code == 401


def test_no_password_or_token_is_stored_in_clear(client: FlaskClient, built: Built) -> None:
    data = sign_up(client).json["data"]
    stored = repr([list(built.database[name].find()) for name in built.database.db.list_collection_names()])
    assert PASSWORD not in stored
    assert data["refreshToken"].rsplit(".", 1)[1] not in stored
