"""Five times as many requests as the suite can answer, and back; and half an hour of mixed load."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests as http

from benchmarks.footprint import descriptors, processes, resident_mb
from benchmarks.load import Request, percentile, put
from benchmarks.reads import week
from benchmarks.results import Curve, Figure, Part
from benchmarks.world import World

GOODPUT = 0.8
PEAK_CLIENTS, TIMES = 64, 5
OVER_SECONDS = 120


class _Health:
    """Asks /health/live and a read now and then, and notes how long each took, and what was refused."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.took: list[float] = []
        self.refusals: list[tuple[float, bool]] = []

    def look(self, until: threading.Event) -> None:
        while not until.wait(0.5):
            began = time.monotonic()
            http.get(f"{self._url}/health/live", timeout=30).raise_for_status()
            self.took.append(time.monotonic() - began)
            began = time.monotonic()
            answer = http.get(f"{self._url}/api/v1/doctors?limit=1", timeout=30)
            if answer.status_code == 503:
                self.refusals.append((time.monotonic() - began, "Retry-After" in answer.headers))

    @contextmanager
    def watching(self) -> Iterator[None]:
        done = threading.Event()
        thread = threading.Thread(target=self.look, args=(done,))
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def measure(world: World, seconds: float, rounds: int) -> Part:
    """Answers a second with 64 connections, with five times as many requests under way as those make, and after."""
    del rounds
    url = world.suite.gateway_url
    mixed = _mixed(world)
    part = Part("overload")
    peak = put(url, mixed, clients=PEAK_CLIENTS, seconds=max(10, seconds))
    health = _Health(url)
    with health.watching():
        over = put(url, mixed, clients=PEAK_CLIENTS * TIMES * 4, seconds=OVER_SECONDS)
    after = put(url, mixed, clients=PEAK_CLIENTS, seconds=max(10, seconds))
    good = [load.rate * (load.requests - load.refused) / load.requests for load in (peak, over, after)]
    share = good[1] / good[0]
    rates = f"{good[1]:.0f}/s of {good[0]:.0f}/s; after it {good[2]:.0f}/s"
    told = f"{share:.2f} × ({rates}); {over.refused} refused, {over.broken} broken"
    part.figures.append(
        Figure(
            f"overload, {PEAK_CLIENTS * TIMES * 4} connections: goodput",
            f"≥ {GOODPUT} × of peak",
            told,
            share >= GOODPUT,
        )
    )
    slowest = max(health.took)
    part.figures.append(
        Figure(
            "overload: /health/live",
            "answers",
            f"p99 {percentile(health.took, 0.99):.2f} s, slowest {slowest:.2f} s",
            None,
        )
    )
    if health.refusals:
        waits = [took for took, _ in health.refusals]
        named = all(named for _, named in health.refusals)
        part.figures.append(
            Figure(
                "overload: refusals",
                "quick, with Retry-After",
                f"p50 {percentile(waits, 0.5):.2f} s, {'each' if named else 'NOT each'} with Retry-After",
                named,
            )
        )
    return part


def soak(world: World, minutes: float) -> Part:
    """Memory and descriptors of every process under mixed load."""
    until = time.monotonic() + minutes * 60
    began = time.monotonic()
    samples: dict[str, list[tuple[float, float, int]]] = {}
    while time.monotonic() < until:
        load = put(world.suite.gateway_url, _mixed(world), clients=16, seconds=30)
        assert not load.broken, load
        put(world.suite.gateway_url, world.bookings(32), clients=8, once=True)
        at = (time.monotonic() - began) / 60
        for name, pid in processes(world).items():
            samples.setdefault(name, []).append((at, resident_mb(pid), descriptors(pid)))
    part = Part("soak")
    growth = {name: taken[-1][1] - taken[len(taken) // 3][1] for name, taken in samples.items()}
    opened = {name: taken[-1][2] - taken[len(taken) // 3][2] for name, taken in samples.items()}
    most, widest = max(growth, key=growth.__getitem__), max(opened, key=opened.__getitem__)
    part.figures.append(
        Figure(
            f"{minutes:.0f} minutes of mixed load: growth from the first third to the end",
            "memory and descriptors flat",
            f"most memory {growth[most]:+.1f} MB ({most}), most descriptors {opened[widest]:+d} ({widest})",
            growth[most] <= 10 and opened[widest] <= 20,
        )
    )
    lines = {
        name: [(at, size) for at, size, _ in taken]
        for name, taken in samples.items()
        if " " in name or "consumer" in name
    }
    part.curves.append(Curve("soak", "Resident memory under mixed load", "minutes", "MB", lines))
    return part


def _mixed(world: World) -> list[Request]:
    requests = []
    for doctor, patient in zip(world.doctors, world.patients, strict=True):
        token = patient.tokens["accessToken"]
        requests += [
            Request("GET", "/api/v1/doctors?limit=20"),
            Request("GET", f"/api/v1/doctors/{doctor.id}/slots?{week()}"),
            Request("GET", "/api/v1/users/me", token),
            Request("GET", "/api/v1/appointments", token),
            Request("GET", f"/api/v1/doctors/{doctor.id}"),
        ]
    return requests
