"""``python -m tests.seed``: what `make seed` calls, for the suite of this checkout."""

import argparse
import time
from datetime import UTC, datetime

from devkit import say, suite
from tests.client import Surprise
from tests.seed.plan import PASSWORD
from tests.seed.run import SIZES, Seeder, Wanted
from tests.seed.year import TooMany


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make seed", description="Fill the running suite with a made-up clinic group."
    )
    parser.add_argument("--size", choices=SIZES, default="small")
    for name in Wanted._fields:
        parser.add_argument(f"--{name}", type=int, help="in place of the size's")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    given = {name: getattr(options, name) for name in Wanted._fields if getattr(options, name) is not None}
    wanted = SIZES[options.size]._replace(**given)
    if min(wanted) < 1:
        parser.error("there must be one of each at least")
    started = time.monotonic()
    try:
        instance = suite.of_checkout()
        if not instance.supervisor.is_running():
            raise say.Failure("the suite is not running: make up")
        added = Seeder(instance).run(wanted, options.seed, datetime.now(UTC))
    except (say.Failure, TooMany, Surprise) as failure:
        say.error(str(failure))
        return 1
    if not any(added):
        say.line("It was there already: nothing to add.")
    say.line(f"{instance.gateway_url} has its clinic group ({say.seconds(started)}).")
    say.line(f"Everybody made up signs in with: {PASSWORD}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
