"""RESULTS.md and its plots."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib

from benchmarks.results import Curve, Figure, Part
from benchmarks.world import World
from devkit.layout import LOCAL, ROOT

matplotlib.use("svg")
from matplotlib import pyplot

_HERE = Path(__file__).parent
_KEPT = LOCAL / "bench" / "results.json"


def keep(part: Part) -> None:
    """Remember a part as it was measured last."""
    _KEPT.parent.mkdir(parents=True, exist_ok=True)
    _KEPT.write_text(json.dumps(_known() | {part.name: asdict(part)}))


def _known() -> dict[str, Any]:
    known: dict[str, Any] = json.loads(_KEPT.read_text()) if _KEPT.exists() else {}
    return known


def _part(kept: dict[str, Any]) -> Part:
    figures = [Figure(**figure) for figure in kept["figures"]]
    return Part(kept["name"], figures, [Curve(**curve) for curve in kept["curves"]], kept["notes"])


def write(names: Sequence[str], machine: str, settings: str) -> Path:
    """Write the table and the plots of all parts that were measured here, in that order; where it is."""
    known = _known()
    parts = [_part(known[name]) for name in names if name in known]
    lines = [
        "# Results",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d} by `make bench`{settings}: all on one machine, load and servers",
        "included. Absolute numbers say little, ratios of one run a little more.",
        "",
        machine,
        "",
        "| what | goal | measured | |",
        "|---|---|---|---|",
        *(_row(figure) for part in parts for figure in part.figures),
        "",
    ]
    lines += [f"- {note}" for part in parts for note in part.notes]
    for curve in (curve for part in parts for curve in part.curves):
        _draw(curve)
        lines += ["", f"![{curve.title}](plots/{curve.name}.svg)"]
    file = _HERE / "RESULTS.md"
    file.write_text("\n".join(lines).rstrip() + "\n")
    return file


def machine(world: World) -> str:
    """What it was measured on, in a sentence."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    assert memory
    info = world.mongo.server_info()
    broker = subprocess.run(["rabbitmqctl", "version"], capture_output=True, text=True, check=False).stdout.strip()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return (
        f"{os.cpu_count()} × {model[1] if model else platform.machine()}, {int(memory[1]) / 2**20:.0f} GiB, "
        f"Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}, MongoDB {info['version']} "
        f"(one member), RabbitMQ {broker or 'of unknown version'}; commit {commit.stdout.strip()}."
    )


def _row(figure: Figure) -> str:
    verdict = {True: "reached", False: "**missed**", None: ""}[figure.reached]
    return f"| {figure.what} | {figure.goal} | {figure.measured} | {verdict} |"


def _draw(curve: Curve) -> None:
    (_HERE / "plots").mkdir(exist_ok=True)
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for name, points in curve.lines.items():
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
    if curve.logarithmic:
        axes.set_xscale("log")
    axes.set(xlabel=curve.x, ylabel=curve.y, title=curve.title, ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    figure.savefig(_HERE / "plots" / f"{curve.name}.svg", metadata={"Date": None}, bbox_inches="tight")
    pyplot.close(figure)
