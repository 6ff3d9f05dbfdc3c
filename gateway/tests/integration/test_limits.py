"""Clients that ask too often, too much or too slowly, and services that can't keep up."""

import http.client
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from stand_ins import Gateway, Service, bearer, started

from devkit.ports import free_port
from devkit.waiting import eventually
from gateway.upstream import MOST_UNDER_WAY

API = "/api/v1"
ROUTES = {
    "user-service": [
        ("GET", "/things/{id}", "self"),
        ("GET", "/open/{id}", "public"),
        ("POST", "/open/{id}", "public"),
    ]
}


@pytest.fixture(scope="module")
def strict(users: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Two workers, few requests for anybody."""
    url = f"http://127.0.0.1:{users.port}"
    names = ("AUTH", "USER", "DOCTOR", "APPOINTMENT", "REVIEW", "SCHEDULER")
    with started(
        tmp_path_factory.mktemp("strict"),
        ROUTES,
        AMQP_URL=f"amqp://127.0.0.1:{free_port()}/",
        WEB_CONCURRENCY="2",
        RATE_LIMIT_USER="20",
        RATE_LIMIT_ADDRESS="30",
        RATE_LIMIT_SIGN_IN="5",
        **{f"{name}_SERVICE_URL": url for name in names},
    ) as running:
        yield running


def test_all_workers_together_let_a_user_have_one_quota(strict: Gateway, users: Service) -> None:
    ann, ben = bearer("ann"), bearer("ben")
    target = f"{API}/things/quota"
    began = time.monotonic()
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: strict.ask("GET", target, ann), range(60)))
    refused = [answer for answer in answers if answer.status == 429]
    came_back = (time.monotonic() - began) / 3
    # two workers that look in the same microsecond may count once: seldom, and not again and again
    assert 20 <= 60 - len(refused) <= 20 + came_back + 4
    assert len(users.heard_at(target)) == 60 - len(refused)
    assert refused[0].json["code"] == "RATE_LIMITED"
    assert 1 <= int(refused[0].headers["Retry-After"]) <= 3
    assert refused[0].headers["RateLimit-Remaining"] == "0"
    other = strict.ask("GET", target, ben)
    assert (other.status, other.headers["RateLimit-Limit"], other.headers["RateLimit-Remaining"]) == (200, "20", "19")


def test_sign_ins_are_counted_by_address_and_so_is_whatever_is_refused(strict: Gateway) -> None:
    signed_in = [strict.ask("POST", f"{API}/open/sign-in").status for _ in range(8)]
    assert signed_in.count(429) == 3
    guessed = [strict.ask("GET", f"{API}/things/1", {"Authorization": "Bearer a.b.c"}).status for _ in range(20)]
    walked = [strict.ask("GET", f"{API}/nothing/{number}").status for number in range(20)]
    assert (guessed[0], walked[-1]) == (401, 429)
    assert (guessed + walked).count(429) >= 8
    # who is known is not held up by who shares the address
    assert strict.ask("GET", f"{API}/things/1", bearer("carl")).status == 200
    assert strict.ask("GET", "/health/live").status == 200


def test_every_answer_tells_browsers_to_make_nothing_of_it(gateway: Gateway) -> None:
    for path in (f"{API}/open/1", f"{API}/nothing", f"{API}/things/1", "/health/live", "/nothing", "/docs"):
        told = gateway.ask("GET", path).headers
        assert told["X-Content-Type-Options"] == "nosniff", path
        assert "frame-ancestors 'none'" in told["Content-Security-Policy"], path
        assert told["Referrer-Policy"] == "no-referrer", path
    assert gateway.ask("GET", f"{API}/things/1", bearer()).headers["Cache-Control"] == "no-store"
    assert gateway.ask("GET", f"{API}/open/1").headers["Cache-Control"] == "no-cache"


def test_what_a_service_cannot_keep_up_with_is_refused_at_once_and_others_are_served(gateway: Gateway) -> None:
    """UPSTREAM_TIMEOUT_SECONDS is 1: until then user-service has as many before it as one worker lets it have."""
    slow = f"GET {API}/open/slow HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    waiting = []
    try:
        for _ in range(MOST_UNDER_WAY + 40):
            client = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
            client.sendall(slow)
            waiting.append(client)
        answers = [client.recv(65536) for client in waiting]
    finally:
        for client in waiting:
            client.close()
    shed = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503")]
    assert len(shed) >= 40
    assert b'"code":"OVERLOADED"' in shed[0]
    assert b"Retry-After: 1" in shed[0]
    # the circuit is open, and the first trial closes it
    eventually(lambda: gateway.ask("GET", f"{API}/open/1").status == 200, timeout=10)
    assert gateway.ask("GET", f"{API}/doctors/17").status == 200


def test_a_service_that_stopped_answering_costs_no_more_waiting(gateway: Gateway) -> None:
    with ThreadPoolExecutor(8) as clients:
        late = list(clients.map(lambda _: gateway.ask("GET", f"{API}/open/slow").status, range(8)))
    assert 504 in late
    refused = gateway.ask("GET", f"{API}/open/1")
    assert (refused.status, refused.headers["Retry-After"]) == (503, "2")
    eventually(lambda: gateway.ask("GET", f"{API}/open/1").status == 200, timeout=10)


def test_clients_that_trickle_hold_up_nobody(gateway: Gateway) -> None:
    trickling = []
    try:
        for _ in range(200):
            client = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
            client.sendall(f"POST {API}/open/slowly HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
            trickling.append(client)
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
        connection.request("GET", f"{API}/open/1")
        assert connection.getresponse().status == 200
        connection.close()
        assert time.monotonic() - began < 5, "the limit for a body is 20 s"
    finally:
        for client in trickling:
            client.close()
