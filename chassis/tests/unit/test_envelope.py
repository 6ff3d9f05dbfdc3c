"""What every answer looks like, whatever happened."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from devkit.profiling import Visits

API = "/api/v1"
THING = {"displayName": "Lamp"}


def test_a_success_carries_its_data_in_camel_case(client: FlaskClient) -> None:
    answer = client.post(f"{API}/things", json={"displayName": " Lamp ", "at": "2030-01-31T10:00:00+01:00"})
    assert answer.status_code == 201
    assert answer.content_type == "application/json"
    assert answer.json["success"] is True
    assert answer.json["message"] == "Made."
    assert answer.json["data"]["displayName"] == "Lamp"
    assert answer.json["data"]["at"] == "2030-01-31T09:00:00Z"
    assert answer.headers["ETag"] == '"7"'


@pytest.mark.parametrize("path", ["/nowhere", f"{API}/nowhere", f"{API}/things/", f"{API}//things", "/"])
def test_an_unknown_route_is_told_in_the_envelope(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json.keys() == {"success", "message", "code", "requestId"}
    assert answer.json["code"] == "NOT_FOUND"
    assert answer.json["requestId"] == answer.headers["X-Request-Id"]


def test_a_wrong_method_is_told_which_are_right(client: FlaskClient) -> None:
    answer = client.delete(f"{API}/things")
    assert answer.status_code == 405
    assert answer.json["code"] == "METHOD_NOT_ALLOWED"
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize("testing", [True, False])
def test_a_defect_tells_nothing_of_its_cause(app: Flask, testing: bool) -> None:
    app.testing = testing
    answer = app.test_client().get(f"{API}/broken", headers={"X-Request-Id": "abc"})
    assert answer.status_code == 500
    assert answer.json["code"] == "INTERNAL_ERROR"
    assert answer.json["requestId"] == answer.headers["X-Request-Id"] == "abc"
    assert "diagnosis" not in answer.text


def test_an_own_error_carries_its_code_data_and_headers(client: FlaskClient) -> None:
    answer = client.get(f"{API}/taken")
    assert (answer.status_code, answer.json["code"]) == (409, "THING_TAKEN")
    assert answer.json["data"] == {"until": "noon"}
    assert answer.headers["X-Hint"] == "wait"


def test_one_error_may_carry_headers_of_its_own(client: FlaskClient) -> None:
    answer = client.get(f"{API}/busy")
    assert answer.headers["Retry-After"] == "7"
    assert "X-Hint" not in answer.headers
    assert client.get(f"{API}/taken").headers["X-Hint"] == "wait"


def test_a_visit_is_noted_only_if_it_succeeded(app: Flask) -> None:
    visits = Visits(app)
    client = app.test_client()
    for path in ("/things", "/taken", "/file?missing=true"):
        client.get(API + path)
    assert ("GET", "/things") not in visits.missing()
    assert {("GET", "/taken"), ("GET", "/file")} <= visits.missing()


def test_a_file_is_answered_as_it_is_and_its_errors_in_the_envelope(client: FlaskClient) -> None:
    answer = client.get(f"{API}/file", headers={"Accept": "text/calendar"})
    assert (answer.status_code, answer.text) == (200, "BEGIN:VCALENDAR\r\n")
    assert answer.content_type == "text/calendar; charset=utf-8"
    assert answer.headers["Content-Disposition"] == "attachment"
    error = client.get(f"{API}/file?missing=true", headers={"Accept": "text/calendar"})
    assert (error.status_code, error.json["code"]) == (409, "THING_TAKEN")
    assert client.get(f"{API}/file", headers={"Accept": "application/json"}).status_code == 406


def test_the_database_away_is_503_and_never_500(client: FlaskClient) -> None:
    answer = client.get(f"{API}/away")
    assert (answer.status_code, answer.json["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert answer.headers["Retry-After"]
    assert "diagnosis" not in answer.text


def test_readiness_names_what_is_away_and_liveness_does_not_ask(client: FlaskClient) -> None:
    assert client.get("/health/live").status_code == 200
    ready = client.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json["data"]["checks"] == {"storage": "unavailable"}
    assert ready.json["requestId"] == ready.headers["X-Request-Id"]
    assert "diagnosis" not in ready.text


def test_a_sane_request_id_is_kept_and_found_in_events(client: FlaskClient) -> None:
    answer = client.get(f"{API}/request-id", headers={"X-Request-Id": "web-1.A_b"})
    assert answer.headers["X-Request-Id"] == "web-1.A_b"
    assert answer.json["data"] == {"context": "web-1.A_b", "event": "web-1.A_b"}


@pytest.mark.parametrize("offered", ["", " ", "a b", "x" * 129, "ä", "a/../b", '"}', "a;b"])
def test_any_other_request_id_is_replaced(client: FlaskClient, offered: str) -> None:
    made = client.get(f"{API}/request-id", headers={"X-Request-Id": offered}).headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)


def test_the_request_id_ends_with_its_request(client: FlaskClient) -> None:
    from chassis import context

    client.get(f"{API}/broken", headers={"X-Request-Id": "first"})
    assert context.request_id() is None
    assert client.get(f"{API}/request-id").json["data"]["context"] != "first"


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("application/json", 200),
        ("application/*;q=0.1", 200),
        ("text/html, application/json;q=0.5", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
        ("*/*, application/json;q=0", 406),
        ("nonsense", 406),
    ],
)
def test_only_json_is_answered(client: FlaskClient, accept: str, status: int) -> None:
    assert client.get(f"{API}/things", headers={"Accept": accept}).status_code == status


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/xml"])
def test_a_body_of_another_type_is_refused(client: FlaskClient, content_type: str) -> None:
    answer = client.post(f"{API}/things", data=b'{"displayName": "Lamp"}', content_type=content_type)
    assert (answer.status_code, answer.json["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b'{"displayName": "\xc3"}',
        b'{"displayName": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b"NaN,",
    ],
)
def test_a_body_that_is_no_json_is_refused(client: FlaskClient, body: bytes) -> None:
    answer = client.post(f"{API}/things", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (400, "MALFORMED_REQUEST")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**THING, "role": "admin"}, "role"),
        ({**THING, "display_name": "Lamp"}, "display_name"),
        ({}, "displayName"),
        ({"displayName": 5}, "displayName"),
        ({**THING, "size": "5"}, "size"),
        ({**THING, "size": 5.5}, "size"),
        ({**THING, "size": True}, "size"),
        ({**THING, "size": 10**30}, "size"),
        ({**THING, "at": 1_900_000_000}, "at"),
        ({**THING, "at": "1900000000"}, "at"),
        ([], "body"),
        ("text", "body"),
    ],
)
def test_a_field_that_is_not_right_is_named(client: FlaskClient, body: Any, field: str) -> None:
    answer = client.post(f"{API}/things", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "VALIDATION_FAILED")
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_a_body_of_null_is_no_body(client: FlaskClient) -> None:
    answer = client.post(f"{API}/things", data=b"null", content_type="application/json")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "body")


def test_a_body_of_unknown_fields_does_not_make_a_huge_answer(client: FlaskClient) -> None:
    answer = client.post(f"{API}/things", json={f"x{number}": 1 for number in range(10_000)})
    assert answer.status_code == 422
    assert len(answer.json["errors"]) == 50


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("limit=1&limit=1", "limit"),
        ("limits=1", "limits"),
        ("only_big=true", "only_big"),
        ("since=2030-01-01", "since"),
        ("since=1900000000", "since"),
        ("since=2030-01-01T00:00:00", "since"),
        ("since=0001-01-01T00:00:00%2B14:00", "since"),
        ("%ff=1", "%FF"),
    ],
)
def test_a_query_that_is_not_right_is_named(client: FlaskClient, query: str, field: str) -> None:
    answer = client.get(f"{API}/things?{query}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_a_query_is_converted(client: FlaskClient) -> None:
    data = client.get(f"{API}/things?limit=5&onlyBig=true&since=2030-01-01T00:00:00Z").json["data"]
    assert (data["limit"], data["onlyBig"], data["since"]) == (5, True, "2030-01-01T00:00:00Z")


def test_a_route_without_query_or_body_takes_none(client: FlaskClient) -> None:
    assert client.post(f"{API}/ring").status_code == 200
    assert client.post(f"{API}/ring", json={}).status_code == 200
    assert client.post(f"{API}/ring?loud=1").json["errors"][0]["field"] == "loud"
    answer = client.post(f"{API}/ring", json={"loud": True})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "loud")


def test_a_body_of_more_than_a_mebibyte_is_refused(client: FlaskClient) -> None:
    for path in ("/things", "/ring"):
        answer = client.post(f"{API}{path}", data=b" " * (1024 * 1024 + 1), content_type="application/json")
        assert (answer.status_code, answer.json["code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_head_is_get_without_the_body(client: FlaskClient) -> None:
    answer = client.head(f"{API}/things")
    assert answer.status_code == 200
    assert answer.data == b""
    assert client.head(f"{API}/ring").status_code == 405


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, None), ("*", None), ('"5"', 5), ('W/"5"', 5), ("5", 5)],
)
def test_the_expected_version_is_read(client: FlaskClient, header: str | None, expected: int | None) -> None:
    answer = client.patch(f"{API}/things/1", headers={"If-Match": header} if header else {})
    assert answer.json["data"] == expected


@pytest.mark.parametrize("header", ['"x"', '"-1"', '"1", "2"', '"٣"', '"' + "9" * 19 + '"', '""', '"1.0"'])
def test_a_version_that_was_never_given_matches_nothing(client: FlaskClient, header: str) -> None:
    answer = client.patch(f"{API}/things/1", headers=[("If-Match", header.encode().decode("latin-1"))])
    assert (answer.status_code, answer.json["code"]) == (412, "VERSION_MISMATCH")


def test_the_clients_address_is_what_the_gateway_says_or_who_calls(client: FlaskClient) -> None:
    assert client.get(f"{API}/address").json["data"] == "127.0.0.1"
    forwarded = client.get(f"{API}/address", headers={"X-Forwarded-For": "1.2.3.4, 192.0.2.7"})
    assert forwarded.json["data"] == "192.0.2.7"


def test_invented_methods_do_not_become_metrics(client: FlaskClient) -> None:
    client.open(f"{API}/things", method="BREW")
    assert "BREW" not in client.get("/metrics").text


def test_a_route_must_say_who_may_call_it() -> None:
    from chassis.api import PUBLIC, Api

    for access in ((), (PUBLIC, "admin")):
        with pytest.raises(ValueError, match="who may call"):
            Api("wrong").operation("GET", "/x", access=access)
