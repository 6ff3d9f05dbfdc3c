"""`make setup`: everything a command needs, made once; quick when there is nothing to do."""

from collections.abc import Iterable

from devkit import chromium, locking, mongod, rabbitmq, venvs
from devkit.layout import LOCAL, SERVICES
from devkit.venvs import Venv


def ensure(
    wanted: Iterable[Venv], *, needs_mongod: bool = False, needs_rabbitmq: bool = False, needs_chromium: bool = False
) -> None:
    with locking.exclusive(LOCAL / "setup.lock", "waiting for another set-up of this checkout to finish"):
        venvs.ensure(wanted)
        if needs_mongod:
            mongod.ensure_installed()
        if needs_rabbitmq:
            rabbitmq.ensure_installed()
        if needs_chromium:
            chromium.ensure_installed()


def runtimes() -> list[Venv]:
    return [venvs.runtime(service) for service in SERVICES]


def everything() -> list[Venv]:
    tests = [venvs.testing(service) for service in SERVICES]
    return [*runtimes(), *tests, venvs.CHASSIS_TEST, venvs.SUITE_TESTS, venvs.LINT]
