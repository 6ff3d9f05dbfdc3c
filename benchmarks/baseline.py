"""The same load on an Express and Mongoose monolith (``node-baseline``): what the suite's description began as."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bson import ObjectId

from benchmarks.beside import answers
from benchmarks.load import Load, Request, in_turn, median, put
from benchmarks.reads import week
from benchmarks.results import Figure, Part
from benchmarks.world import PAIRS, World
from devkit.layout import LOCAL
from devkit.ports import free_port
from devkit.waiting import eventually

CLIENTS, RACERS, RACES = 32, 100, 20
WARM_UP = 500
_SOURCE = Path(__file__).with_name("node-baseline")


class _Node:
    """The monolith, with doctors like the suite's and somebody signed in for each."""

    def __init__(self, world: World, url: str, secret: str) -> None:
        self.url = url
        self.database = world.mongo["node-baseline"]
        self.ids = [ObjectId() for _ in range(PAIRS)]
        self.database["doctors"].insert_many([_doctor(each, number) for number, each in enumerate(self.ids)])
        self.tokens = [_token(f"patient-{number}", secret) for number in range(PAIRS)]
        first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
        self._starts = [iter([first + timedelta(minutes=30 * n) for n in range(20_000)]) for _ in self.ids]

    def bookings(self, count: int) -> list[Request]:
        return [self.booking(number % PAIRS, next(self._starts[number % PAIRS])) for number in range(count)]

    def booking(self, pair: int, start: datetime, patient: int | None = None) -> Request:
        body = {"doctorId": str(self.ids[pair]), "start": start.isoformat()}
        token = self.tokens[pair if patient is None else patient]
        return Request("POST", "/api/v1/appointments", token, json.dumps(body))


@contextmanager
def node(world: World) -> Iterator[_Node]:
    folder = LOCAL / "bench" / "node-baseline"
    shutil.copytree(_SOURCE, folder, dirs_exist_ok=True)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
    world.mongo.drop_database("node-baseline")
    server, _, options = world.suite.mongodb_uri.partition("/?")
    port, secret = free_port(), secrets.token_hex(32)
    environment = {
        **os.environ,
        "PORT": str(port),
        "MONGODB_URI": f"{server}/node-baseline?{options}",
        "JWT_SECRET": secret,
        "NODE_ENV": "production",
    }
    process = subprocess.Popen(["node", "server.js"], cwd=folder, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: answers(f"{url}/api/v1/doctors"), timeout=30)
        yield _Node(world, url, secret)
    finally:
        process.terminate()
        process.wait(20)


def measure(world: World, seconds: float, rounds: int) -> Part:
    """Rates side by side, and how often a slot was given twice in races for one."""
    part = Part("baseline")
    each = int(100 * seconds)
    with node(world) as monolith:
        suite = world.suite.gateway_url
        # what is compiled as it runs has to have run
        put(suite, world.bookings(WARM_UP), clients=CLIENTS, once=True)
        put(monolith.url, monolith.bookings(WARM_UP), clients=CLIENTS, once=True)
        ours_ids = [doctor.id for doctor in world.doctors]
        sides: dict[str, list[list[Load]]] = {
            "booking, distinct slots, 32 clients": in_turn(
                rounds,
                lambda: put(suite, world.bookings(each), clients=CLIENTS, once=True),
                lambda: put(monolith.url, monolith.bookings(each), clients=CLIENTS, once=True),
            ),
            "doctor search, 20 a page": in_turn(
                rounds,
                lambda: _read(suite, ["/api/v1/doctors?limit=20"], seconds),
                lambda: _read(monolith.url, ["/api/v1/doctors?limit=20"], seconds),
            ),
            "a week's slots": in_turn(
                rounds,
                lambda: _read(suite, [f"/api/v1/doctors/{one}/slots?{week()}" for one in ours_ids], seconds),
                lambda: _read(monolith.url, [f"/api/v1/doctors/{one}/slots?{week()}" for one in monolith.ids], seconds),
            ),
        }
        for what, (ours, theirs) in sides.items():
            assert not any(load.refused for load in (*ours, *theirs)), (what, ours, theirs)
            rates = [median(load.rate for load in loads) for loads in (ours, theirs)]
            waits = [median(load.p50 for load in loads) for loads in (ours, theirs)]
            sides_told = [f"{rate:.0f}/s, p50 {wait:.0f} ms" for rate, wait in zip(rates, waits, strict=True)]
            told = f"{rates[0] / rates[1]:.2f} × ({sides_told[0]}; Node {sides_told[1]})"
            part.figures.append(Figure(f"beside Express + Mongoose: {what}", "none", told))
        doubled = [_races(world, monolith, ours=True), _races(world, monolith, ours=False)]
    told = f"{doubled[0]} here, {doubled[1]} there, of {RACES} races"
    what = f"one slot, {RACERS} bookings at once: slots given more than once"
    part.figures.append(Figure(what, "0", told, doubled[0] == 0))
    return part


def _read(url: str, paths: list[str], seconds: float) -> Load:
    return put(url, [Request("GET", path) for path in paths], clients=CLIENTS, seconds=seconds)


def _races(world: World, monolith: _Node, *, ours: bool) -> int:
    """In how many races more than one was told that the slot is theirs."""
    doubled = 0
    for race in range(RACES):
        if ours:
            racers = world.race(RACERS)
        else:
            start = datetime(2100, 1, 1, tzinfo=UTC) + timedelta(hours=race)
            racers = [monolith.booking(0, start, number % PAIRS) for number in range(RACERS)]
        url = world.suite.gateway_url if ours else monolith.url
        load = put(url, racers, clients=RACERS, once=True)
        doubled += load.requests - load.refused > 1
    return doubled


def _doctor(identifier: ObjectId, number: int) -> dict[str, Any]:
    card = {"specialty": "Cardiology", "city": "Hamburg", "bio": "Listens first.", "fee": 120, "rating": number % 5}
    hours = {"slotMinutes": 30, "opens": 0, "closes": 1440}
    return {"_id": identifier, "name": f"Doctor {number}", "visible": True, **card, **hours}


def _token(subject: str, secret: str) -> str:
    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    head = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    expires = int((datetime.now(UTC) + timedelta(hours=3)).timestamp())
    signed = f"{head}.{part(json.dumps({'sub': subject, 'exp': expires}).encode())}"
    return f"{signed}.{part(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"
