"""The full torment, on a suite of its own: exit status 0 if nothing was lost, doubled or stuck.

python -m tests.chaos [--kills 100] [--clients 8] [--seed 1] [--broker-away 600] [--poison 1000] [--sabotage inbox]

With ``--sabotage`` a guard is taken away, and the exit status is 0 if the checker found what came of it.
"""

import argparse
import sys

from devkit import trial
from tests.chaos.instance import SETTINGS, ChaosInstance
from tests.chaos.poison import poisoned
from tests.chaos.sabotage import GUARDS
from tests.chaos.trial import Outcome, tormented


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--broker-away", type=float, default=0, help="seconds without RabbitMQ, after the kills")
    parser.add_argument("--poison", type=int, default=0, help="so many poison messages among ten times as many good")
    parser.add_argument("--sabotage", choices=sorted(GUARDS))
    asked = parser.parse_args()
    guard = GUARDS[asked.sabotage] if asked.sabotage else None
    settings = SETTINGS | ({"CHAOS_SABOTAGE": guard.name} if guard else {})
    with trial.running(settings, ChaosInstance) as suite:
        assert isinstance(suite, ChaosInstance)
        outcome = tormented(
            suite,
            kills=asked.kills,
            clients=asked.clients,
            seed=asked.seed,
            tell=say,
            guard=guard,
            broker_away=asked.broker_away,
        )
        if asked.poison and not outcome.violations:
            outcome.violations += poisoned(suite, asked.poison, 10 * asked.poison, say)
        suite.keep = bool(outcome.violations) and not guard
    report(outcome)
    if guard:
        say(f"without {guard.what}: {'found' if outcome.violations else 'NOT FOUND'}")
        return 0 if outcome.violations else 1
    return 1 if outcome.violations else 0


def report(outcome: Outcome) -> None:
    """Tell what was done, what clients saw, and what is wrong."""
    ledger = outcome.ledger
    for (fault, victim), number in sorted(outcome.faults.items()):
        say(f"  {fault:8} {victim:32} {number}")
    for (action, status, code), number in sorted(ledger.answers.items()):
        say(f"  {action:14} {status} {code:22} {number}")
    say(f"clients were interrupted: {dict(ledger.interruptions)}; the longest wait was {ledger.longest_wait:.1f} s")
    say(
        f"{len(ledger.acknowledged)} changes of appointments, {len(ledger.joined)} sign-ups, {len(ledger.left)} "
        f"deletions and {len(ledger.reviews)} reviews were acknowledged; {ledger.replayed} retries replayed"
    )
    say(f"{outcome.events} events, {outcome.published_twice} of them published more than once")
    say(
        f"{sum(outcome.faults.values())} faults in {outcome.tormented_seconds:.0f} s, "
        f"all well again after {outcome.settled_seconds:.0f} s: {len(outcome.violations)} violations"
    )
    for line in outcome.violations[:60]:
        print(f"  VIOLATION {line}", file=sys.stderr)


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
