"""Measure, print and write RESULTS.md: exit status 0 whatever is reached, 1 if something could not be measured.

python -m benchmarks [--seconds 8] [--rounds 3] [--soak MINUTES] [part ...]

RESULTS.md has each part as it was measured last on this machine.
"""

import argparse
import traceback
from collections.abc import Callable

from benchmarks import baseline, booking, footprint, gateway, growth, lags, overload, reads, report, revocation
from benchmarks.results import Part
from benchmarks.world import SETTINGS, World
from devkit import trial

Measure = Callable[[World, float, int], Part]
PARTS: dict[str, Measure] = {
    "gateway": gateway.measure,
    "reads": reads.measure,
    "booking": booking.measure,
    "baseline": baseline.measure,
    "lags": lags.measure,
    "revocation": revocation.measure,
    "growth": growth.measure,
    "overload": overload.measure,
    # last, for it starts the suite anew
    "footprint": footprint.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--seconds", type=float, default=8, help="of load for each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="each side in turn")
    parser.add_argument("--soak", type=float, default=0, help="minutes of mixed load")
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    asked = parser.parse_args()
    if unknown := set(asked.parts) - PARTS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    failed: list[str] = []
    with trial.running(SETTINGS) as suite:
        world = World(suite)
        machine = report.machine(world)
        for name in asked.parts or PARTS:
            # what the part before left to the consumers is not for this one to carry
            world.settle()
            try:
                report.keep(_tell(PARTS[name](world, asked.seconds, asked.rounds)))
            except Exception:
                # the others are worth knowing
                traceback.print_exc()
                failed.append(name)
        if asked.soak:
            world.settle()
            report.keep(_tell(overload.soak(world, asked.soak)))
    load = f" ({asked.seconds:.0f} s of load, {asked.rounds} rounds)"
    print(f"written: {report.write([*PARTS, 'soak'], machine, load)}")
    if failed:
        print(f"could not be measured: {', '.join(failed)}")
    return 1 if failed else 0


def _tell(part: Part) -> Part:
    for figure in part.figures:
        verdict = {True: "reached", False: "MISSED", None: ""}[figure.reached]
        print(f"  {figure.what}: {figure.measured}; goal: {figure.goal} {verdict}", flush=True)
    for note in part.notes:
        print(f"  {note}", flush=True)
    return part


if __name__ == "__main__":
    raise SystemExit(main())
