"""Which origins may read an answer."""

import pytest

from gateway.cors import Cors

CLINIC = "https://clinic.example"
GET = {"REQUEST_METHOD": "GET"}
PREFLIGHT = {"REQUEST_METHOD": "OPTIONS", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PATCH"}


def test_without_origins_there_is_no_header() -> None:
    assert Cors([]).headers({**GET, "HTTP_ORIGIN": CLINIC}) == []
    assert Cors([]).headers({**PREFLIGHT, "HTTP_ORIGIN": CLINIC}, ["GET"]) == []


def test_a_listed_origin_may_read_the_answer_and_what_the_headers_tell() -> None:
    headers = dict(Cors([CLINIC]).headers({**GET, "HTTP_ORIGIN": CLINIC}))
    assert headers["Access-Control-Allow-Origin"] == CLINIC
    assert headers["Vary"] == "Origin"
    assert {"ETag", "Retry-After"} <= set(headers["Access-Control-Expose-Headers"].split(", "))
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    "origin", ["https://clinic.example.evil.example", "http://clinic.example", "https://clinic.example:444", "null", ""]
)
def test_any_other_origin_may_not_and_no_cache_mixes_them_up(origin: str) -> None:
    for request in (GET, PREFLIGHT):
        assert Cors([CLINIC]).headers({**request, "HTTP_ORIGIN": origin}, ["GET"]) == [("Vary", "Origin")]
    assert Cors([CLINIC]).headers(GET) == [("Vary", "Origin")]


def test_a_preflight_is_told_the_methods_and_the_headers_that_may_come() -> None:
    headers = dict(Cors([CLINIC]).headers({**PREFLIGHT, "HTTP_ORIGIN": CLINIC}, ["GET", "PATCH"]))
    assert headers["Access-Control-Allow-Methods"] == "GET, PATCH"
    assert {"Authorization", "Content-Type", "Idempotency-Key"} <= set(
        headers["Access-Control-Allow-Headers"].split(", ")
    )


def test_a_star_is_for_everybody_and_needs_no_vary() -> None:
    headers = dict(Cors(["*"]).headers({**GET, "HTTP_ORIGIN": "https://anywhere.example"}))
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in headers
