"""Doctor search and a week's slots through the gateway, beside the same queries and JSON in a bare Flask view."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.beside import answers
from benchmarks.load import Load, Request, in_turn, median, put, ratio
from benchmarks.results import Figure, Part
from benchmarks.world import World
from devkit.layout import venv_python
from devkit.ports import free_port
from devkit.waiting import eventually

GOAL = 0.6
CLIENTS = 16


@contextmanager
def bare(world: World, workers: int) -> Iterator[str]:
    """The URL of the bare view under gunicorn with gevent, with as many workers as the service that does the same."""
    port = free_port()
    server, _, options = world.suite.mongodb_uri.partition("/?")
    environment = {
        **os.environ,
        "DOCTORS_URI": f"{server}/doctor-service?{options}",
        "APPOINTMENTS_URI": f"{server}/appointment-service?{options}",
    }
    program = [str(venv_python("appointment-service")), "-m", "gunicorn", "-k", "gevent", "-w", str(workers)]
    program += ["-b", f"127.0.0.1:{port}", "--keep-alive", "75", "--log-level", "warning", "bare_app:app"]
    process = subprocess.Popen(program, cwd=Path(__file__).parent, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: answers(f"{url}/search"), timeout=20)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def week() -> str:
    first = datetime.now(UTC).date() + timedelta(days=1)
    return f"from={first}&to={first + timedelta(days=6)}"


def measure(world: World, seconds: float, rounds: int) -> Part:
    """Ratio of the rates with 16 clients."""
    part = Part("reads")
    slots = [doctor.id for doctor in world.doctors]
    for what, workers, ours, theirs in (
        # doctor-service has one web worker, appointment-service two (chassis/devkit/processes.py)
        ("doctor search, 20 a page", 1, ["/api/v1/doctors?limit=20"], ["/search"]),
        (
            "a week's slots",
            2,
            [f"/api/v1/doctors/{each}/slots?{week()}" for each in slots],
            [f"/slots/{each}?{week()}" for each in slots],
        ),
    ):
        with bare(world, workers) as url:
            sides = in_turn(
                rounds,
                lambda ours=ours: _load(world.suite.gateway_url, ours, seconds),
                lambda theirs=theirs, url=url: _load(url, theirs, seconds),
            )
        rates = [median(each.rate for each in loads) for loads in sides]
        share = ratio(*sides)
        told = f"{share:.2f} × ({rates[0]:.0f}/s; bare {rates[1]:.0f}/s)"
        part.figures.append(Figure(f"{what}, 16 clients", f"≥ {GOAL} × a bare Flask view", told, share >= GOAL))
    return part


def _load(base: str, paths: list[str], seconds: float) -> Load:
    taken = put(base, [Request("GET", path) for path in paths], clients=CLIENTS, seconds=seconds)
    assert not taken.refused, (base, taken)
    return taken
