"""Which headers pass, in either direction."""

from typing import Any

import pytest

from chassis.errors import MalformedRequest
from gateway.proxy import Request, request_headers, response_headers
from gateway.route_table import Route
from gateway.upstream import Answer

OPEN = Route("thing-service", "GET", "/api/v1/open/{id}", "public")
OWN = Route("thing-service", "GET", "/api/v1/things/{id}", "self")


def request(method: str = "GET", **headers: Any) -> Request:
    environ = {"REQUEST_METHOD": method, "REMOTE_ADDR": "192.0.2.1", **headers}
    return Request(environ, "request-1", "192.0.2.1")


def test_a_service_gets_the_listed_headers_and_no_other() -> None:
    sent = request_headers(
        request(
            HTTP_ACCEPT="application/json",
            HTTP_IF_MATCH='"3"',
            HTTP_COOKIE="a=b",
            HTTP_X_USER_ID="root",
            HTTP_X_FORWARDED_FOR="10.0.0.1",
            HTTP_X_FORWARDED_HOST="evil.example",
            HTTP_FORWARDED="for=10.0.0.1",
            HTTP_CONNECTION="Authorization, X-Request-Id",
            HTTP_TRANSFER_ENCODING="chunked",
            HTTP_TE="trailers",
            HTTP_UPGRADE="h2c",
            HTTP_EXPECT="100-continue",
            HTTP_X_REQUEST_ID="another",
        ),
        b"",
    )
    assert dict(sent) == {
        "Accept": "application/json",
        "If-Match": '"3"',
        "X-Forwarded-For": "192.0.2.1",
        "X-Request-Id": "request-1",
    }


def test_an_empty_header_is_passed_on_for_the_service_to_refuse() -> None:
    assert dict(request_headers(request(HTTP_IDEMPOTENCY_KEY=""), b""))["Idempotency-Key"] == ""


def test_a_token_goes_no_further_than_it_is_needed() -> None:
    assert "Authorization" not in dict(request_headers(request(HTTP_AUTHORIZATION="Bearer abc"), b""))


def test_a_post_without_a_body_says_so() -> None:
    assert dict(request_headers(request("POST"), b""))["Content-Length"] == "0"
    assert dict(request_headers(request("POST"), b"{}"))["Content-Length"] == "2"


def test_a_header_cannot_hold_a_line_of_its_own() -> None:
    with pytest.raises(MalformedRequest):
        request_headers(request(HTTP_ACCEPT="a\r\nX-User-Id: root"), b"")


def test_a_client_gets_the_listed_headers_and_the_length_of_what_it_gets() -> None:
    headers = [("ETag", '"3"'), ("Server", "x"), ("Set-Cookie", "a=b"), ("Content-Length", "99"), ("Location", "a\nb")]
    told = [("ETag", '"3"'), ("Cache-Control", "no-cache")]
    assert response_headers("GET", Answer(200, headers, b"{}"), OPEN) == [*told, ("Content-Length", "2")]
    assert response_headers("HEAD", Answer(200, headers, b""), OPEN) == [*told, ("Content-Length", "99")]
    assert response_headers("GET", Answer(304, headers, b""), OPEN) == told


def test_only_what_is_public_and_only_read_may_be_kept_unless_its_service_says_so() -> None:
    def caching(route: Route, method: str, *headers: tuple[str, str]) -> list[str]:
        told = response_headers(method, Answer(200, list(headers), b"{}"), route)
        return [value for name, value in told if name.lower() == "cache-control"]

    assert caching(OPEN, "POST") == ["no-store"]
    assert caching(OWN, "GET") == ["no-store"]
    assert caching(OWN, "GET", ("cache-control", "private, max-age=60")) == ["private, max-age=60"]
