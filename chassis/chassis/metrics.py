"""Prometheus metrics: what every service counts, and where it can be read (docs/observability.md lists them all).

A web process serves the sum over its workers at ``/metrics``, any other process its own on METRICS_PORT. Label values
are bounded: templates of routes, names of types, codes; never an id.
"""

import os
from datetime import datetime
from functools import cache
from typing import Any

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
    start_http_server,
)
from prometheus_client.multiprocess import MultiProcessCollector

from chassis.clock import now
from chassis.config import BaseConfig

# a third series for each, which nobody asks for
disable_created_metrics()

_QUICK = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_AGES = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800)

_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})

REQUESTS = Counter("http_requests_total", "Requests answered.", ["service", "method", "route", "status"])
DURATION = Histogram(
    "http_request_duration_seconds", "Time from request to answer.", ["service", "method", "route"], buckets=_QUICK
)

EVENTS = Counter("events_handled_total", "Deliveries of events, by what became of each.", ["source", "type", "outcome"])
HANDLING = Histogram("event_handling_seconds", "Time to handle a delivery.", ["source", "type"], buckets=_QUICK)
AGE = Histogram(
    "event_age_seconds",
    "Time from an event's making to the end of its handling: the lag of announcements.",
    ["source", "type"],
    buckets=_AGES,
)
RPC = Counter("rpc_requests_total", "Calls of other services answered.", ["method", "outcome"])
RPC_DURATION = Histogram("rpc_request_duration_seconds", "Time to answer a call.", ["method"], buckets=_QUICK)

PUBLISHED = Counter("relay_events_total", "Events sent to the broker, by what it answered.", ["type", "outcome"])


def known_method(method: str) -> str:
    """The method as a label value; a client may make methods up."""
    return method if method in _METHODS else "OTHER"


def answered(service: str, method: str, route: str, status: int, seconds: float) -> None:
    """Count a request; ``method`` is one of ``known_method``'s, ``route`` a template."""
    requests, duration = _of_request(service, method, route, status)
    requests.inc()
    duration.observe(seconds)


@cache
def _of_request(service: str, method: str, route: str, status: int) -> tuple[Any, Any]:
    # looking the labels up costs more than counting
    return REQUESTS.labels(service, method, route, status), DURATION.labels(service, method, route)


def handled(source: str, kind: str, outcome: str, seconds: float, made_at: object) -> None:
    """Count a delivery of an event; ``made_at`` is the event's ``time``, whatever that is."""
    EVENTS.labels(source, kind, outcome).inc()
    HANDLING.labels(source, kind).observe(seconds)
    if outcome == "handled" and isinstance(made_at, str):
        try:
            age = (now() - datetime.fromisoformat(made_at)).total_seconds()
        except (ValueError, TypeError):
            # no instant, or one without a zone
            return
        AGE.labels(source, kind).observe(max(0.0, age))


def exposition() -> bytes:
    """The text format. With PROMETHEUS_MULTIPROC_DIR set, the sum over the gunicorn workers, dead ones included."""
    return generate_latest(_registry())


def serve(config: BaseConfig) -> None:
    """Serve them on METRICS_PORT, from a thread, for a process without HTTP; nothing where that is not set."""
    if config.metrics_port:
        start_http_server(config.metrics_port, addr=config.bind_host, registry=REGISTRY)


def _registry() -> CollectorRegistry:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry
