"""Load from wrk, in a process of its own; both sides of a comparison get it in turn, for the machine is noisy."""

import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import NamedTuple

_SCRIPT = Path(__file__).with_name("requests.lua")


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


def put(
    url: str, requests: Iterable[Request], *, clients: int, seconds: float, once: bool = False, threads: int = 1
) -> Load:
    """Load ``url`` with ``clients`` connections; with ``once`` each request is sent once, and that is all."""
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.writelines("\t".join(request) + "\n" for request in requests)
        file.flush()
        program = ["wrk", f"-t{threads}", f"-c{clients}", f"-d{seconds:.0f}s", "--latency", "--timeout", "30s"]
        done = subprocess.run(
            [*program, "-s", str(_SCRIPT), url, "--", file.name],
            env={**os.environ, "CYCLE": "0" if once else "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    told = json.loads(done.stdout.splitlines()[-1])
    return Load(
        told["requests"] / told["seconds"],
        told["p50"],
        told["p99"],
        told["refused"],
        told["broken"],
        told["requests"],
    )


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
