"""Have a running suite take a plan: what it lacks of what is wanted, each service its part."""

import json
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from devkit import say
from devkit.suite import Instance
from tests.client import Gateway
from tests.seed.people import Batch
from tests.seed.plan import Plan

_SIDE_BY_SIDE = ("appointment", "user", "review", "scheduler")
"""After doctor-service, which the first of them tells of free slots, and before auth-service, which lets people in."""


class Wanted(NamedTuple):
    """How many of each there are to be."""

    doctors: int
    patients: int
    appointments: int


SIZES = {
    "small": Wanted(20, 400, 5_000),
    "medium": Wanted(80, 6_000, 100_000),
    "large": Wanted(200, 20_000, 300_000),
}


class Seeder:
    """Of one running suite."""

    def __init__(self, instance: Instance) -> None:
        if instance.settings.get("APP_ENV", "development") == "production":
            raise say.Failure("APP_ENV=production: made-up people have no place there")
        self._instance = instance
        self._folder = instance.folder / "seed"

    def run(self, wanted: Wanted, seed: int, at: datetime) -> Wanted:
        """Go on with what was cut off, then add what this seed lacks of what is wanted; what that was.

        Raises Failure where the suite does not take it, and for more of one kind of thing alone; TooMany.
        """
        # it is there while a plan is being taken: what is over depends on the instant, which must stay the same
        for folder in sorted(self._folder.glob(f"{seed}-*")):
            if (folder / "plan.json").exists():
                say.line(f"going on with {folder.name}, which was cut off")
                self._take(folder)
            else:
                shutil.rmtree(folder)
        taken = self._taken(seed)
        have = Wanted(*(sum(each[name] for each in taken) for name in Wanted._fields))
        missing = Wanted(*(max(0, want - has) for want, has in zip(wanted, have, strict=True)))
        if not any(missing):
            return missing
        if taken and not all(missing):
            raise say.Failure(
                f"there are {_told(have)}; more of one needs more of all, for what was made up stays as it is: "
                "ask for more of each, or with another SEED"
            )
        folder = self._write(missing, have, seed, len(taken), at)
        self._take(folder)
        return missing

    def _taken(self, seed: int) -> list[dict[str, Any]]:
        """What auth-service took, which is the last to."""
        said = self._command("auth", "auth_service.seed").stdout.splitlines()
        plans = [json.loads(line) for line in said if line.startswith("{")]
        return [plan for plan in plans if plan.get("seed") == seed and plan["done"]]

    def _write(self, missing: Wanted, have: Wanted, seed: int, number: int, at: datetime) -> Path:
        started = time.monotonic()
        settings = self._instance.settings
        admin = Gateway(self._instance.gateway_url).log_in(settings["ADMIN_EMAIL"], settings["ADMIN_PASSWORD"])
        batch = Batch(seed, number, at, *missing, have.doctors, have.patients, admin.id)
        folder = self._folder / f"{seed}-{number}"
        Plan(batch).write(folder)
        say.line(f"  ok plan of {_told(missing)} ({say.seconds(started)})")
        return folder

    def _take(self, folder: Path) -> None:
        self._load("doctor", folder)
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda service: self._load(service, folder), _SIDE_BY_SIDE))
        self._load("auth", folder)
        started = time.monotonic()
        # what only review-service can tell; of free slots appointment-service has told by events
        self._command("doctor", "doctor_service.projections", "rebuild", "ratings")
        say.line(f"  ok doctor-service: ratings ({say.seconds(started)})")
        shutil.rmtree(folder)

    def _load(self, service: str, folder: Path) -> None:
        started = time.monotonic()
        said = self._command(service, f"{service}_service.seed", str(folder)).stdout.splitlines()
        say.line(f"  ok {service}-service: {said[-1]} ({say.seconds(started)})")

    def _command(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        done = self._instance.run_in(f"{service}-consumer", *command, capture=True)
        if done.returncode != 0:
            raise say.Failure(f"{service}-service: {' '.join(command)}\n{(done.stdout + done.stderr)[-4000:]}")
        return done


def _told(wanted: Wanted) -> str:
    return f"{wanted.doctors:,} doctors, {wanted.patients:,} patients, {wanted.appointments:,} appointments"
