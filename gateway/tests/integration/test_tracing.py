"""Traces begin at the gateway: what a stranger says of a trace is not believed."""

from collections.abc import Iterator

import pytest
from stand_ins import Gateway, Service, started

from devkit.collector import Collector
from devkit.ports import free_port
from devkit.waiting import eventually

API = "/api/v1"
ROUTES = {"user-service": [("GET", "/open/{id}", "public")]}
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
OFFERED = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "a=b"}
NAMES = ("AUTH", "USER", "DOCTOR", "APPOINTMENT", "REVIEW", "SCHEDULER")


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


@pytest.fixture(scope="module")
def tracing(users: Service, collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that traces; 127.0.0.2 is its balancer."""
    services = {f"{name}_SERVICE_URL": f"http://127.0.0.1:{users.port}" for name in NAMES}
    with started(
        tmp_path_factory.mktemp("tracing"),
        ROUTES,
        **services,
        AMQP_URL=f"amqp://127.0.0.1:{free_port()}/",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="200",
        TRUSTED_PROXIES="127.0.0.2",
    ) as gateway:
        yield gateway


def heard(users: Service, target: str) -> dict[str, str]:
    (request,) = users.heard_at(f"{API}{target}")
    return {name.lower(): value for name, value in request.headers.items()}


def test_what_a_stranger_says_of_a_trace_is_not_believed(
    tracing: Gateway, users: Service, collector: Collector
) -> None:
    tracing.ask("GET", f"{API}/open/stranger", {**OFFERED, "X-Request-Id": "t1"})
    (span,) = eventually(lambda: collector.trace_of("t1"))
    told = heard(users, "/open/stranger")
    assert told["traceparent"].startswith(f"00-{span.trace}-{span.id}-")
    assert "tracestate" not in told
    assert span.trace != TRACE
    assert span.parent == ""
    assert (span.service, span.process, span.name) == ("gateway", "web", "GET /api/v1/open/{id}")
    assert span.attributes == {
        "suite.request_id": "t1",
        "http.request.method": "GET",
        "http.route": "/api/v1/open/{id}",
        "http.response.status_code": 200,
    }


def test_a_balancer_of_ours_is_believed(tracing: Gateway, users: Service, collector: Collector) -> None:
    tracing.ask("GET", f"{API}/open/balanced", {**OFFERED, "X-Request-Id": "t2"}, address="127.0.0.2")
    (span,) = eventually(lambda: collector.trace_of("t2"))
    assert (span.trace, span.parent) == (TRACE, SPAN)
    assert TRACE in heard(users, "/open/balanced")["traceparent"]


def test_what_the_gateway_refuses_is_a_trace_too_and_shows_no_path(tracing: Gateway, collector: Collector) -> None:
    tracing.ask("GET", f"{API}/no/such/ann@clinic.example", {"X-Request-Id": "t3"})
    (span,) = eventually(lambda: collector.trace_of("t3"))
    assert span.name == "GET unknown"
    assert span.attributes["http.response.status_code"] == 404
    assert "ann@" not in repr(span)


def test_where_nothing_is_traced_nothing_is_passed_on(gateway: Gateway, users: Service) -> None:
    gateway.ask("GET", f"{API}/open/untraced", OFFERED)
    assert not {"traceparent", "tracestate"} & heard(users, "/open/untraced").keys()
