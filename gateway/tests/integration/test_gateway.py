"""The gateway as a client meets it."""

import http.client
import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from stand_ins import LONG, Gateway, Service, bearer

from devkit.waiting import eventually

API = "/api/v1"


def test_each_path_reaches_the_service_that_declared_it(gateway: Gateway, users: Service, doctors: Service) -> None:
    assert gateway.ask("GET", f"{API}/doctors/17").json["data"]["port"] == doctors.port
    assert gateway.ask("GET", f"{API}/things/17", bearer()).json["data"]["port"] == users.port


def test_the_request_arrives_as_it_was_sent(gateway: Gateway, users: Service) -> None:
    target = f"{API}/things/as-sent?q=a%20b&q=%C3%A4&empty="
    body = json.dumps({"name": "Zoë"}).encode()
    headers = {**bearer(), "Content-Type": "application/json", "Idempotency-Key": "key 1", "If-Match": '"3"'}
    answer = gateway.ask("POST", target, headers, body)
    (heard,) = users.heard_at(target)
    assert (heard.method, heard.body) == ("POST", body)
    assert {name: heard.headers[name] for name in headers} == headers
    assert answer.headers["ETag"] == '"7"'
    assert answer.headers["Idempotency-Replayed"] == "true"


def test_a_chunked_body_arrives_whole(gateway: Gateway, users: Service) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    connection.request("POST", f"{API}/things/chunked", iter([b"ab", b"c" * 5000]), bearer(), encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()
    (heard,) = users.heard_at(f"{API}/things/chunked")
    assert heard.body == b"ab" + b"c" * 5000
    assert "Transfer-Encoding" not in heard.headers


def test_nothing_forged_reaches_a_service(gateway: Gateway, users: Service) -> None:
    forged = {
        "X-User-Id": "root",
        "x-user-role": "admin",
        "X_User_Id": "root",
        "X-Forwarded-For": "10.0.0.1",
        "X-Real-Ip": "10.0.0.1",
        "Forwarded": "for=10.0.0.1",
        "X-Forwarded-Host": "evil.example",
        "X-Original-URL": "/api/v1/admin",
        "X-HTTP-Method-Override": "DELETE",
        "Connection": "close, X-Request-Id, Authorization",
        "TE": "trailers",
        "Cookie": "session=1",
        "Host": "evil.example",
    }
    gateway.ask("GET", f"{API}/things/forged", {**bearer(), **forged})
    (heard,) = users.heard_at(f"{API}/things/forged")
    assert set(heard.headers) == {"Host", "Authorization", "X-Forwarded-For", "X-Request-Id"}
    assert heard.headers["X-Forwarded-For"] == "127.0.0.1"
    assert heard.headers["Host"] == f"127.0.0.1:{users.port}"


def test_a_client_learns_nothing_of_what_is_behind(gateway: Gateway) -> None:
    answer = gateway.ask("GET", f"{API}/open/headers")
    assert not {"X-Internal", "Set-Cookie"} & set(answer.headers)
    assert answer.headers["Server"] != "something"


def test_a_token_is_not_passed_to_a_public_route(gateway: Gateway, users: Service) -> None:
    gateway.ask("GET", f"{API}/open/with-token", bearer())
    (heard,) = users.heard_at(f"{API}/open/with-token")
    assert "Authorization" not in heard.headers


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "TOKEN_MISSING"),
        ({"Authorization": "Basic YTpi"}, "TOKEN_MISSING"),
        ({"Authorization": "Bearer "}, "TOKEN_MISSING"),
        ({"Authorization": "Bearer a.b.c"}, "TOKEN_INVALID"),
        (bearer(lifetime=timedelta(seconds=-1)), "TOKEN_EXPIRED"),
    ],
)
def test_without_a_good_token_nothing_passes(
    gateway: Gateway, users: Service, headers: dict[str, str], code: str
) -> None:
    before = len(users.heard)
    answer = gateway.ask("GET", f"{API}/things/1", headers)
    assert (answer.status, answer.json["code"], answer.json["success"]) == (401, code, False)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert len(users.heard) == before


def test_the_request_id_is_taken_or_made_and_told_everyone(gateway: Gateway, users: Service) -> None:
    answer = gateway.ask("GET", f"{API}/open/id-given", {"X-Request-Id": "given-1"})
    assert answer.headers["X-Request-Id"] == "given-1"
    assert users.heard_at(f"{API}/open/id-given")[0].headers["X-Request-Id"] == "given-1"
    made = gateway.ask("GET", f"{API}/open/id-made", {"X-Request-Id": "not sane at all"})
    assert re.fullmatch(r"[0-9a-f]{32}", made.headers["X-Request-Id"])
    assert users.heard_at(f"{API}/open/id-made")[0].headers["X-Request-Id"] == made.headers["X-Request-Id"]
    refused = gateway.ask("GET", f"{API}/nothing", {"X-Request-Id": "given-2"})
    assert refused.json["requestId"] == refused.headers["X-Request-Id"] == "given-2"


def test_an_unknown_path_is_404_and_an_unknown_method_405(gateway: Gateway) -> None:
    unknown = gateway.ask("GET", f"{API}/nothing/here", bearer())
    assert (unknown.status, unknown.json["code"]) == (404, "NOT_FOUND")
    method = gateway.ask("DELETE", f"{API}/doctors/17")
    assert (method.status, method.json["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert method.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert gateway.ask("PROPFIND", f"{API}/doctors/17").status == 405


def test_options_tells_the_methods_without_a_token(gateway: Gateway) -> None:
    answer = gateway.ask("OPTIONS", f"{API}/things/1")
    assert (answer.status, answer.raw) == (204, b"")
    assert answer.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


def test_head_is_get_without_the_content(gateway: Gateway) -> None:
    head, get = gateway.ask("HEAD", f"{API}/open/1"), gateway.ask("GET", f"{API}/open/1")
    assert (head.status, head.raw) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert gateway.ask("HEAD", f"{API}/nothing").status == 404


@pytest.mark.parametrize(
    "path",
    ["/doctors/../things/1", "/doctors/%2e%2e/x", "//doctors/1", "/doctors/a%2Fb", "/doctors/a%5cb", "/doctors/%0a"],
)
def test_a_path_with_two_readings_is_never_forwarded(gateway: Gateway, doctors: Service, path: str) -> None:
    before = len(doctors.heard)
    assert gateway.ask("GET", API + path).status == 404
    assert len(doctors.heard) == before


@pytest.mark.parametrize("body", [b"x" * (1024 * 1024 + 1), [b"x" * 65536] * 17])
def test_a_body_over_one_mebibyte_is_refused(gateway: Gateway, users: Service, body: bytes | list[bytes]) -> None:
    answer = gateway.ask("POST", f"{API}/open/large", body=body if isinstance(body, bytes) else iter(body))  # type: ignore[arg-type]
    assert (answer.status, answer.json["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert not users.heard_at(f"{API}/open/large")


def test_a_body_of_one_mebibyte_passes(gateway: Gateway) -> None:
    assert gateway.ask("POST", f"{API}/open/just-fits", body=b"x" * 1024 * 1024).status == 200


def test_a_service_that_is_away_is_503(gateway: Gateway) -> None:
    for method in ("GET", "POST"):
        answer = gateway.ask(method, f"{API}/away/1", {"X-Request-Id": "away-1"})
        assert (answer.status, answer.json["code"]) == (503, "SERVICE_UNAVAILABLE")
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json["requestId"] == "away-1"


def test_a_slow_service_is_504_and_holds_up_nobody_else(gateway: Gateway) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(gateway.ask, "GET", f"{API}/open/slow")
        assert gateway.ask("GET", f"{API}/open/meanwhile").status == 200
        assert not slow.done()
        answer = slow.result()
    assert (answer.status, answer.json["code"]) == (504, "UPSTREAM_TIMEOUT")


def test_a_long_answer_is_passed_on_while_it_comes(gateway: Gateway, users: Service) -> None:
    users.goes_on.clear()
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    with closing(connection):
        connection.request("GET", f"{API}/open/long-in-halves")
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(LONG))
        assert len(answer.read(LONG // 2)) == LONG // 2
        users.goes_on.set()
        assert len(answer.read()) == LONG // 2


@pytest.mark.parametrize("name", ["long", "long-chunked"])
def test_a_long_answer_arrives_whole_and_leaves_its_connection_to_the_next(
    gateway: Gateway, users: Service, name: str
) -> None:
    for _ in range(3):
        assert gateway.ask("GET", f"{API}/open/{name}").raw == b"x" * LONG
    assert len({heard.connection for heard in users.heard_at(f"{API}/open/{name}")}) == 1


@pytest.mark.parametrize(("name", "why"), [("long-cut", "CutShort"), ("long-in-halves", "UpstreamTimeout")])
def test_a_long_answer_that_breaks_off_is_not_taken_for_the_whole(
    gateway: Gateway, users: Service, name: str, why: str
) -> None:
    users.goes_on.clear()
    with pytest.raises(http.client.IncompleteRead):
        gateway.ask("GET", f"{API}/open/{name}")
    users.goes_on.set()
    assert any(line["event"] == "upstream broke off" and why in line["error"] for line in gateway.log_lines())


def test_a_route_may_have_a_timeout_of_its_own(gateway: Gateway) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(gateway.ask, "GET", f"{API}/open/slow")
        assert gateway.ask("POST", f"{API}/open/slow").status == 504
        assert not slow.done()


def test_what_is_no_answer_is_502(gateway: Gateway) -> None:
    answer = gateway.ask("GET", f"{API}/open/nonsense")
    assert (answer.status, answer.json["code"]) == (502, "BAD_GATEWAY")


def test_an_answer_that_is_cut_short_is_asked_for_again_only_if_that_is_safe(gateway: Gateway, users: Service) -> None:
    target = f"{API}/open/cut"
    assert gateway.ask("GET", target).status == 503
    assert len(users.heard_at(target)) == 2
    answer = gateway.ask("POST", target)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert len(users.heard_at(target)) == 3


def test_connections_are_used_again(gateway: Gateway, users: Service) -> None:
    for _ in range(5):
        gateway.ask("GET", f"{API}/open/again")
    assert len({heard.connection for heard in users.heard_at(f"{API}/open/again")}) == 1


def test_a_connection_that_was_closed_meanwhile_is_replaced(gateway: Gateway, users: Service) -> None:
    for method in ("GET", "POST", "POST", "GET"):
        before = users.closed
        assert gateway.ask(method, f"{API}/open/close-after").status == 200
        eventually(lambda before=before: users.closed > before)
    assert len(users.heard_at(f"{API}/open/close-after")) == 4


def test_a_request_on_a_dying_connection_is_repeated_only_if_that_is_safe(gateway: Gateway, users: Service) -> None:
    target = f"{API}/open/hang-up-if-used"
    assert gateway.ask("GET", f"{API}/open/warm-up").status == 200
    assert gateway.ask("GET", target).status == 200
    heard = len(users.heard_at(target))
    assert heard == 2
    assert gateway.ask("POST", target).status == 503
    assert len(users.heard_at(target)) == heard + 1


def test_a_service_that_hangs_up_is_not_asked_for_ever(gateway: Gateway, users: Service) -> None:
    assert gateway.ask("GET", f"{API}/open/hang-up").status == 503
    assert len(users.heard_at(f"{API}/open/hang-up")) <= 2


def test_readiness_names_each_service_and_asks_them_side_by_side(
    gateway: Gateway, users: Service, doctors: Service
) -> None:
    doctors.ready = users.ready = False
    try:
        answer = gateway.ask("GET", "/health/ready")
    finally:
        doctors.ready = users.ready = True
    assert answer.status == 503
    assert set(answer.json["data"]["checks"].values()) == {"unavailable"}
    again = gateway.ask("GET", "/health/ready")
    assert again.json["data"]["checks"] == {
        "auth-service": "ok",
        "user-service": "ok",
        "doctor-service": "ok",
        "appointment-service": "ok",
        "review-service": "unavailable",
        "scheduler-service": "unavailable",
    }


def test_metrics_count_by_pattern_and_never_by_path(gateway: Gateway) -> None:
    gateway.ask("GET", f"{API}/doctors/a-private-id")
    text = gateway.ask("GET", "/metrics").raw.decode()
    assert 'service="doctor-service",status="200"' in text
    assert 'route="/api/v1/doctors/{id}"' in text
    assert "a-private-id" not in text


def test_each_proxied_request_is_one_log_line(gateway: Gateway) -> None:
    gateway.ask("GET", f"{API}/things/logged?token=private", {**bearer("ben"), "X-Request-Id": "log-1"})
    lines = eventually(lambda: [line for line in gateway.log_lines() if line.get("request_id") == "log-1"])
    (line,) = lines
    shown = {key: line[key] for key in ("event", "service", "upstream", "method", "route", "status", "user")}
    assert shown == {
        "event": "proxied",
        "service": "gateway",
        "upstream": "user-service",
        "method": "GET",
        "route": "/api/v1/things/{id}",
        "status": 200,
        "user": "ben",
    }
    assert "private" not in json.dumps(line)


def test_what_is_not_under_the_api_is_the_gateways_own(gateway: Gateway) -> None:
    assert gateway.ask("GET", "/health/live").status == 200
    elsewhere = gateway.ask("GET", "/%61pi/v1/open/1")
    assert (elsewhere.status, elsewhere.json["code"]) == (404, "NOT_FOUND")
