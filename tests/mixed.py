"""The released version of one service beside the present others: the clinic's day goes as it should. ``make mixed``.

python -m tests.mixed [review-service ...]      each of the seven, one after the other, if none is named
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from devkit import commands, layout, releases, say, trial
from devkit.layout import Service
from devkit.suite import Instance
from tests.client import Surprise, eventually
from tests.queues import busy_queues
from tests.walkthrough import Day

SETTINGS = {
    # seven days of one address's sign-ups
    "RATE_LIMITS": "off",
    # hashing is not what is tried here
    "ARGON2_TIME_COST": "2",
}

CROWD = 10
"""Versions are tried here, and not their speed."""


def walk_beside(instance: Instance, service: Service) -> list[str]:
    """The lines of a clinic's day on a running suite whose ``service`` is for its length as it was released.

    All its processes are, with the chassis, libraries and contracts of then, on a database that the present version
    has migrated: as half-way through a roll-out, and after a roll back. Raises Surprise, Failure.
    """
    old = releases.as_released(service)
    processes = [process.name for process in instance.plan.processes() if process.name.startswith(f"{service.name}-")]
    lines: list[str] = []
    instance.instead = {service.name: old}
    try:
        instance.up(lambda _: None)
        for process in processes:
            assert Path(f"/proc/{instance.pid(process)}/cwd").resolve() == old.folder, f"{process} is not the old one"
        admin = (instance.settings["ADMIN_EMAIL"], instance.settings["ADMIN_PASSWORD"])
        Day(instance.gateway_url, *admin, lines.append, crowd=CROWD).run()
        eventually("every event to be handled", lambda: not busy_queues(instance), seconds=60)
        if unhealthy := [row.name for row in instance.status() if not row.healthy]:
            raise Surprise(f"not healthy: {', '.join(unhealthy)}")
    finally:
        instance.instead = {}
        instance.up(lambda _: None)
    return lines


def main(names: Sequence[str]) -> int:
    known = {service.folder_name: service for service in layout.SERVICES}
    if unknown := set(names) - known.keys():
        raise say.Failure(f"no service is named {', '.join(sorted(unknown))}; there is: {', '.join(known)}")
    chosen = [known[name] for name in names or known]
    for service in chosen:
        releases.as_released(service)
    failed = []
    with trial.running(SETTINGS) as instance:
        for service in chosen:
            began, version = time.monotonic(), releases.latest(service).version
            what = f"{service.folder_name} {version} beside the others as they are here"
            try:
                lines = walk_beside(instance, service)
                say.line(f"  ok {what}: {len(lines)} lines of the day ({say.seconds(began)})")
            except Surprise as surprise:
                failed.append(service.folder_name)
                say.line(f"  NO {what}: {surprise}")
        if commands.alarms(instance) != 0:
            failed.append("alarms")
        instance.keep = bool(failed)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(say.failures_of(lambda: main(sys.argv[1:])))
