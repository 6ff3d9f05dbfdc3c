"""Refreshing and ending sessions."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.clock import new_id

PASSWORD = "plum-orchard-kettle-9"


def signed_up(client: FlaskClient) -> dict[str, Any]:
    body = {"email": f"{new_id()}@clinic.example", "password": PASSWORD, "name": "Ann Lee"}
    data: dict[str, Any] = client.post("/api/v1/auth/signup", json=body).json["data"]
    return data


def refresh(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/api/v1/auth/refresh", json={"refreshToken": token})


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['accessToken']}"}


def test_refreshing_rotates_and_the_predecessor_gets_the_same_successor(client: FlaskClient) -> None:
    first = signed_up(client)["refreshToken"]
    second = refresh(client, first).json["data"]["refreshToken"]
    again = refresh(client, first).json["data"]["refreshToken"]
    assert second == again != first


def test_a_genuinely_old_token_ends_the_session_and_what_was_minted_after(client: FlaskClient) -> None:
    first = signed_up(client)["refreshToken"]
    second = refresh(client, first).json["data"]["refreshToken"]
    third = refresh(client, second).json["data"]["refreshToken"]
    stolen = refresh(client, first)
    assert (stolen.status_code, stolen.json["code"]) == (401, "REFRESH_TOKEN_REUSED")
    assert refresh(client, third).json["code"] == "REFRESH_TOKEN_INVALID"


def test_a_stranger_cannot_end_a_session_with_a_made_up_token(client: FlaskClient) -> None:
    tokens = signed_up(client)
    made_up = f"{tokens['sessionId']}.1.made-up"
    assert refresh(client, made_up).json["code"] == "REFRESH_TOKEN_INVALID"
    assert refresh(client, tokens["refreshToken"]).status_code == 200


def test_logging_out_ends_this_session_only(client: FlaskClient) -> None:
    phone = signed_up(client)
    laptop = client.post(
        "/api/v1/auth/login", json={"email": phone["user"]["email"], "password": PASSWORD, "deviceName": "Laptop"}
    ).json["data"]
    assert client.post("/api/v1/auth/logout", headers=bearer(phone)).status_code == 200
    assert refresh(client, phone["refreshToken"]).status_code == 401
    assert refresh(client, laptop["refreshToken"]).status_code == 200


def test_logging_out_everywhere_ends_them_all(client: FlaskClient) -> None:
    phone = signed_up(client)
    laptop = client.post("/api/v1/auth/login", json={"email": phone["user"]["email"], "password": PASSWORD}).json[
        "data"
    ]
    client.post("/api/v1/auth/logout-all", headers=bearer(phone))
    assert {refresh(client, tokens["refreshToken"]).status_code for tokens in (phone, laptop)} == {401}


def test_another_users_session_cannot_be_ended(client: FlaskClient) -> None:
    mine, theirs = signed_up(client), signed_up(client)
    path = f"/api/v1/auth/sessions/{theirs['sessionId']}"
    assert client.delete(path, headers=bearer(mine)).status_code == 404
    assert client.delete(path, headers=bearer(theirs)).status_code == 200
    assert refresh(client, theirs["refreshToken"]).status_code == 401


def test_without_a_token_there_are_no_sessions_to_see(client: FlaskClient) -> None:
    answer = client.get("/api/v1/auth/sessions")
    assert (answer.status_code, answer.json["code"]) == (401, "TOKEN_MISSING")
