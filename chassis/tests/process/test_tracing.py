"""Traces of real processes: one from what a client asked to what a consumer did of it, and none at all when off."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from chassis.tracing import HEADER
from devkit.collector import Collector
from devkit.waiting import eventually

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


def test_an_event_carries_its_trace_through_relay_and_consumer(things: Any, collector: Collector) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    with things.start("relay", **variables), things.start("consumer", **variables):
        things.write({**things.event("t1"), HEADER: TRACEPARENT, "requestid": "follow-me"})
        # not one: it is handled all the same, and begins a trace of its own
        things.write({**things.event("t2"), HEADER: ["00-"]})
        things.write({**things.event("t3"), HEADER: "00-zz"})
        eventually(lambda: len({span.trace for span in collector.spans if span.process == "consumer"}) == 3)
        found = {span.name: span for span in collector.spans if span.trace == TRACE}
        assert found.keys() == {"publish made", "handle made"}
        assert {span.parent for span in found.values()} == {SPAN}
        assert found["handle made"].attributes == {"suite.request_id": "follow-me"}
        assert found["handle made"].service == things.name
        assert found["publish made"].process == "relay"


def test_a_collector_that_is_away_holds_up_nothing(things: Any) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with things.start("consumer", **variables):
        for number in range(10):
            things.publish({**things.event(f"t{number}"), HEADER: TRACEPARENT})
        eventually(lambda: all(things.effect(f"t{number}") == 1 for number in range(10)))


def test_switched_off_nothing_of_opentelemetry_is_imported() -> None:
    look = (
        "import sys; from chassis import tracing, web, causes\n"
        "tracing.begin('thing', 'web', None)\n"
        f"with tracing.span('x', 'server', '{TRACEPARENT}') as span: assert span is None\n"
        "assert tracing.traceparent() is None\n"
        "assert not [name for name in sys.modules if name.startswith(('opentelemetry', 'google.protobuf'))]"
    )
    subprocess.run([sys.executable, "-c", look], check=True)
