"""From a booking's answer to its effect in the last consumer, at 100 and at 50 bookings a second."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import local
from typing import Any

import requests as http

from benchmarks.load import percentile
from benchmarks.results import Figure, Part
from benchmarks.world import World
from devkit.waiting import eventually
from tests.stress.trial import Announcements

GOAL_MS = 250
RATE = 100
CONSUMERS = ("user-service", "scheduler-service", "appointment-service")
"""Who acts on ``appointment-booked`` (contracts/subscriptions.json)."""


def measure(world: World, seconds: float, rounds: int) -> Part:
    """p50 and p99 over the bookings of some seconds; the inboxes tell when each effect began to be written."""
    del rounds
    part = Part("lags")
    for rate, goal in ((RATE, GOAL_MS), (RATE // 2, None)):
        p99, measured = _measured(world, rate, max(seconds, 5))
        named = f"announcement at {rate} bookings/s: from the answer to the last consumer's effect"
        told = f"p99 ≤ {goal} ms" if goal else "none"
        part.figures.append(Figure(named, told, measured, p99 <= goal if goal else None))
        world.settle()
    return part


def _measured(world: World, rate: int, seconds: float) -> tuple[float, str]:
    bookings = world.bookings(int(rate * seconds))
    before = {name: _events(world, name) for name in CONSUMERS}
    told = Announcements(world.suite.amqp_url, {"appointment-service": ["appointment-booked"]})
    kept = local()
    began = time.monotonic()

    def book(numbered: tuple[int, Any]) -> tuple[str, datetime]:
        number, request = numbered
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        session = kept.__dict__.setdefault("session", http.Session())
        headers = {"Authorization": f"Bearer {request.token}", "Content-Type": "application/json"}
        answer = session.post(world.suite.gateway_url + request.path, request.body, headers=headers, timeout=30)
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]["id"], datetime.now(UTC)

    with ThreadPoolExecutor(64) as pool:
        answered = dict(pool.map(book, enumerate(bookings)))
    took = time.monotonic() - began
    wanted = len(bookings)
    eventually(
        lambda: all(len(_events(world, name).keys() - before[name].keys()) >= wanted for name in CONSUMERS), timeout=300
    )
    effects = _last_effects(world)
    subjects = {event["id"]: event["subject"] for event in told.drain()}
    lags = [
        (effects[event] - answered[booking]).total_seconds() * 1000
        for event, booking in subjects.items()
        if booking in answered
    ]
    assert len(lags) == wanted, f"{len(lags)} of {wanted} were told"
    p50, p99 = percentile(lags, 0.5), percentile(lags, 0.99)
    measured = f"p50 {p50:.0f} ms, p99 {p99:.0f} ms ({len(lags)} bookings at {wanted / took:.0f}/s)"
    return p99, measured


def _events(world: World, service: str) -> dict[str, datetime]:
    return {item["_id"]: item["at"].replace(tzinfo=UTC) for item in world.mongo[service]["inbox"].find({}, {"at": 1})}


def _last_effects(world: World) -> dict[str, datetime]:
    """When the last of the consumers began to write an event's effect, by the event's id."""
    last: dict[str, datetime] = {}
    for name in CONSUMERS:
        for event, at in _events(world, name).items():
            last[event] = max(at, last.get(event, at))
    return last
