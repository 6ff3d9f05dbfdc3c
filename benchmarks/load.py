"""Load from a process of its own; both sides of a comparison get it in turn, for the machine is noisy."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple
from urllib.parse import urlsplit


class Request(NamedTuple):
    method: str
    path: str
    token: str = ""
    body: str = ""


@dataclass(frozen=True)
class Load:
    """What came of it: answers per second, latencies in ms, answers that were no success, connections that broke."""

    rate: float
    p50: float
    p99: float
    refused: int
    broken: int
    requests: int


def put(url: str, requests: Iterable[Request], *, clients: int, seconds: float = 0, once: bool = False) -> Load:
    """Load ``url`` with ``clients`` connections for some seconds; with ``once`` send each request once, and no more."""
    asked = {
        "port": urlsplit(url).port,
        "clients": clients,
        "seconds": seconds,
        "once": once,
        "requests": [_message(request) for request in requests],
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.loop"],
        input=json.dumps(asked),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    took, answers = told["took"], len(told["took"])
    p50, p99 = (percentile(took, share) * 1000 for share in (0.5, 0.99))
    return Load(answers / told["seconds"], p50, p99, told["refused"], told["broken"], answers)


def _message(request: Request) -> str:
    lines = [f"{request.method} {request.path} HTTP/1.1", "Host: bench"]
    if request.token:
        lines.append(f"Authorization: Bearer {request.token}")
    if request.body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(request.body)}"]
    return "\r\n".join(lines) + "\r\n\r\n" + request.body


def in_turn(rounds: int, *sides: Callable[[], Load]) -> list[list[Load]]:
    """Each side's loads, measured in turn: A B A B A B."""
    taken: list[list[Load]] = [[] for _ in sides]
    for _ in range(rounds):
        for loads, side in zip(taken, sides, strict=True):
            loads.append(side())
    return taken


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def ratio(mine: Sequence[Load], others: Sequence[Load]) -> float:
    """Of the medians of the rates."""
    return median(load.rate for load in mine) / median(load.rate for load in others)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that so many (0 to 1) are not above."""
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * share) - 1)]
