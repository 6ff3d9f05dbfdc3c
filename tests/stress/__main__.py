"""The full stress test, on a suite of its own: exit status 0 if nothing was wrong.

python -m tests.stress [--operations 100000] [--clients 16] [--seed 1]
"""

import argparse
import sys
from collections import Counter

from devkit import trial
from tests.stress.trial import SETTINGS, stressed


def main() -> int:
    parser = argparse.ArgumentParser(prog="stress")
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with trial.running(SETTINGS) as suite:
        outcome = stressed(suite, asked.operations, asked.clients, asked.seed, doctors=8, tell=say)
        suite.keep = bool(outcome.violations)
    for (action, status, code), number in sorted(outcome.ledger.answers.items()):
        say(f"  {action:11} {status} {code:22} {number}")
    statuses = Counter(item["status"] for item in outcome.appointments)
    say(f"{sum(statuses.values())} appointments: {dict(sorted(statuses.items()))}")
    say(f"{len(outcome.ledger.acknowledged)} changes acknowledged, {outcome.ledger.replayed} retries replayed")
    say(f"{outcome.events} announcements, {outcome.shown} slots shown free at the end, each of them bookable")
    say(f"{asked.operations} operations in {outcome.seconds:.0f} s: {len(outcome.violations)} violations")
    for line in outcome.violations[:50]:
        print(f"  VIOLATION {line}", file=sys.stderr)
    return 1 if outcome.violations else 0


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
