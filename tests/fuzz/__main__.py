"""The long run, on a suite of its own, then with MongoDB and with RabbitMQ stopped: exit status 0 if all held.

python -m tests.fuzz [--examples 200] [--seed 1]
"""

import argparse

from devkit import trial
from tests.client import Gateway
from tests.fuzz.run import fuzzed

AWAY_EXAMPLES = 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("--examples", type=int, default=200, help="for each operation and phase")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with trial.running({"RATE_LIMITS": "off"}) as suite:
        admin = suite.settings["ADMIN_EMAIL"], suite.settings["ADMIN_PASSWORD"]
        held, told = fuzzed(suite.gateway_url, admin, examples=asked.examples, seed=asked.seed)
        print(told, flush=True)
        for part in ("mongod", "rabbitmq"):
            gateway = Gateway(suite.gateway_url)
            people = {role: gateway.sign_up("Fuzzy Fellow", role=role) for role in ("patient", "doctor")}
            people["admin"] = gateway.log_in(*admin)
            # without MongoDB nobody signs in; without RabbitMQ everybody does
            given = {role: str(person.tokens["accessToken"]) for role, person in people.items()}
            tokens = given if part == "mongod" else None
            suite.stop(part)
            ok, told = fuzzed(
                suite.gateway_url,
                admin,
                examples=AWAY_EXAMPLES,
                seed=asked.seed,
                phases="examples,fuzzing",
                tokens=tokens,
                config="away.toml",
                workers=16,
            )
            suite.start(part)
            print(f"without {part}:\n{told}", flush=True)
            held = held and ok
        suite.keep = not held
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
