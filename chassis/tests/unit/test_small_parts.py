"""Identifiers, heartbeat, names on the broker, events, log lines."""

import io
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import orjson
import pytest
import structlog

from chassis import amqp, clock, context, heartbeat, logs
from chassis.events import cloud_event, subscriptions
from chassis.heartbeat import Heartbeat
from chassis.tombstones import receipt
from devkit.testing import CONTRACTS, assert_valid


def test_identifiers_are_different_and_rise_with_time() -> None:
    made = {clock.new_id() for _ in range(10_000)}
    assert len(made) == 10_000
    assert all(re.fullmatch(r"[0-9a-f]{32}", identifier) for identifier in made)
    first = clock.new_id()
    after = time.time_ns() // 1_000_000 + 1
    while time.time_ns() // 1_000_000 < after:
        pass
    assert first < clock.new_id()


def test_now_is_what_the_database_gives_back() -> None:
    assert clock.now().tzinfo is UTC
    assert clock.now().microsecond % 1000 == 0


def test_instants_in_events_are_utc_with_milliseconds() -> None:
    instant = datetime(2030, 1, 31, 10, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=1)))
    assert clock.instant_text(instant) == "2030-01-31T09:00:00.123Z"


def test_a_heartbeat_touches_its_file_but_not_at_every_beat(tmp_path: Path) -> None:
    file = tmp_path / "new" / "beat"
    beating = Heartbeat(file)
    beating.beat()
    os.utime(file, (0, 0))
    beating.beat()
    assert file.stat().st_mtime == 0


def test_a_heartbeat_without_a_file_is_silent() -> None:
    Heartbeat(None).beat()


@pytest.mark.parametrize(
    ("age", "verdict"), [(0, 0), (heartbeat.STALE_SECONDS - 2, 0), (heartbeat.STALE_SECONDS + 1, 1)]
)
def test_a_heartbeat_is_judged_by_its_age(tmp_path: Path, age: float, verdict: int) -> None:
    file = tmp_path / "beat"
    file.touch()
    os.utime(file, (time.time() - age,) * 2)
    assert heartbeat.main(str(file)) == verdict


def test_no_heartbeat_is_no_life(tmp_path: Path) -> None:
    assert heartbeat.main(str(tmp_path / "none")) == 1


def test_the_names_on_the_broker_are_those_of_the_contract() -> None:
    said = (CONTRACTS / "README.md").read_text()
    assert f"`{amqp.exchange('doctor-service')}`" in said
    assert f"`{amqp.queue('appointment-service', 'doctor-service', 'doctor-updated')}`" in said
    assert f"`{amqp.dead_letters('appointment-service')}`" in said


def test_every_subscriber_of_a_source_gets_a_queue() -> None:
    chosen = {"a": {"x": ["one", "two"], "y": ["three"]}, "b": {"x": ["one"]}}
    assert list(amqp.queues_of_source("x", chosen)) == [("a", "one"), ("a", "two"), ("b", "one")]
    assert list(amqp.queues_of_source("z", chosen)) == []


def test_the_subscriptions_of_the_contract_are_read() -> None:
    assert "user-service" in subscriptions(CONTRACTS)["auth-service"]


def test_an_event_is_what_its_contract_says() -> None:
    with context.bound("web-1"):
        event = receipt("auth-service", clock.new_id())
    assert_valid(event)
    assert event["requestid"] == "web-1"


def test_events_have_identifiers_of_their_own_and_none_of_no_request() -> None:
    first, second = (cloud_event("a-service", "thing-made", "t1", {}) for _ in range(2))
    assert first["id"] != second["id"]
    assert "requestid" not in first


@contextmanager
def logging_as_a_process() -> Iterator[io.StringIO]:
    handlers, level = logging.root.handlers, logging.root.level
    with redirect_stdout(io.StringIO()) as out:
        logs.configure("thing-service", "web")
        try:
            yield out
        finally:
            logging.root.handlers = handlers
            logging.root.setLevel(level)
            structlog.reset_defaults()


def test_a_log_line_is_json_with_its_request_id() -> None:
    with logging_as_a_process() as out, context.bound("web-1", event_id="e1"):
        structlog.get_logger("x").info("happened", size=3)
        logging.getLogger("library").warning("odd")
    own, library = (json.loads(line) for line in out.getvalue().splitlines())
    assert own.items() >= {"event": "happened", "size": 3, "request_id": "web-1", "event_id": "e1"}.items()
    assert own.items() >= {"service": "thing-service", "process": "web", "level": "info", "logger": "x"}.items()
    assert library.items() >= {"event": "odd", "request_id": "web-1", "service": "thing-service"}.items()


@pytest.mark.parametrize("odd", ["\ud800", 2**70, {1: 2}, {"a": {2**70}}, object()])
def test_odd_values_do_not_lose_the_line(odd: object) -> None:
    with logging_as_a_process() as out:
        structlog.get_logger("x").info("happened", odd=odd)
    assert json.loads(out.getvalue())["event"] == "happened"


def test_nothing_fails_because_its_line_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_as_a_process() as out:
        log = structlog.get_logger("x")
        out.close()
        log.info("happened")
    assert json.loads(capsys.readouterr().err)["event"] == "happened"


def test_a_line_below_the_level_is_not_written() -> None:
    with logging_as_a_process() as out:
        structlog.get_logger("x").debug("happened")
    assert out.getvalue() == ""


def test_a_duplicate_keys_value_is_not_logged() -> None:
    message = 'E11000 duplicate key error index: email_unique dup key: { email: "canary" }, full error: {"canary"}'
    with logging_as_a_process() as out:
        structlog.get_logger("x").error("failed", exc_info=ValueError(message), error=message)
    said = out.getvalue()
    assert "email_unique" in said
    assert "canary" not in said
    assert orjson.loads(said)["level"] == "error"
