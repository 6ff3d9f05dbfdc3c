"""What becomes of a call while the service is being started anew, or one of its replicas is."""

import socket
from contextlib import ExitStack
from typing import Any

import pytest
from stand_ins import LONG, serving

from chassis.errors import ServiceUnavailable
from devkit.ports import free_port
from gateway.errors import Overloaded
from gateway.upstream import PATIENCE_SECONDS, Call, Upstream

# so that no connection is left open
CLOSE = [("Connection", "close")]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_service_that_comes_back_soon_is_waited_for(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    port = free_port()
    upstream = Upstream("thing-service", f"http://127.0.0.1:{port}", 15)
    with ExitStack() as stack:
        services = []
        monkeypatch.setattr("gevent.sleep", lambda _: services.append(stack.enter_context(serving(port))))
        assert upstream.exchange(Call(method, "/x", CLOSE, patient=True)).status == 200
        assert [heard.method for heard in services[0].heard] == [method]


def test_only_the_first_seconds_of_an_outage_are_waited_through(monkeypatch: pytest.MonkeyPatch) -> None:
    upstream = Upstream("thing-service", f"http://127.0.0.1:{free_port()}", 15)
    now = 1000.0

    def pass_by(seconds: float) -> None:
        nonlocal now
        now += seconds
        assert now < 1200, "it waits for ever"

    monkeypatch.setattr("gateway.upstream.time.monotonic", lambda: now)
    monkeypatch.setattr("gevent.sleep", pass_by)
    for waited in (PATIENCE_SECONDS, 0):
        began = now
        with pytest.raises(ServiceUnavailable):
            upstream.exchange(Call("POST", "/x", CLOSE, patient=True))
        assert now - began == pytest.approx(waited, abs=0.2)

    pass_by(60)
    began = now
    # whoever only asks how it is doesn't wait
    with pytest.raises(ServiceUnavailable):
        upstream.probe()
    assert now == began
    pass_by(60)
    with pytest.raises(ServiceUnavailable):
        upstream.exchange(Call("GET", "/x", CLOSE, patient=True))
    assert now > began + 60, "another outage is waited through again"


def test_a_replica_that_refuses_costs_no_request_and_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    connect, look_up = socket.create_connection, socket.getaddrinfo

    def resolve(host: str, *more: Any, **options: Any) -> list[Any]:
        hosts = ("127.0.0.2", "127.0.0.1") if host == "things.example" else (host,)
        return [found for name in hosts for found in look_up(name, *more, **options)]

    def noted(address: tuple[str, int], *more: Any, **options: Any) -> socket.socket:
        tried.append(address[0])
        return connect(address, *more, **options)

    with serving() as service:
        upstream = Upstream("thing-service", f"http://things.example:{service.port}", 15)
        monkeypatch.setattr("socket.getaddrinfo", resolve)
        monkeypatch.setattr("socket.create_connection", noted)
        for _ in range(6):
            assert upstream.exchange(Call("POST", "/x", CLOSE)).status == 200
    assert tried.count("127.0.0.2") == 1
    assert "127.0.0.1" in tried


def test_a_service_in_trouble_is_not_asked_twice_as_much_for_it() -> None:
    with serving() as service:
        upstream = Upstream("thing-service", f"http://127.0.0.1:{service.port}", 15)
        for _ in range(60):
            with pytest.raises(ServiceUnavailable):
                upstream.exchange(Call("GET", "/hang-up", [], patient=True))
    # ten at first, and one for ten requests
    assert 70 <= len(service.heard) <= 77


def test_a_long_answer_counts_as_under_way_until_it_is_read_or_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.upstream.MOST_UNDER_WAY", 1)
    call = Call("GET", "/long", [], patient=True)
    with serving() as service:
        upstream = Upstream("thing-service", f"http://127.0.0.1:{service.port}", 15)
        for end in (lambda rest: b"".join(rest), lambda rest: rest.close(), lambda rest: rest.close()):
            answer = upstream.exchange(call)
            assert answer.rest
            with pytest.raises(Overloaded):
                upstream.exchange(call)
            end(answer.rest)
        # what the service itself is asked for is read whole, however long
        whole = upstream.exchange(Call("GET", "/long", CLOSE))
    assert (len(whole.body), whole.rest) == (LONG, None)
    # read to its end it leaves a connection, closed before that it leaves none
    assert [heard.connection for heard in service.heard] == [1, 1, 2, 3]
