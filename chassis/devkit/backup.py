"""`make backup` and `make restore`: all databases of a suite, to one consistent point."""

from pathlib import Path

from devkit import say
from devkit.suite import Instance


def save(instance: Instance, folder: Path | None) -> None:
    raise say.Failure("not here yet")


def restore(instance: Instance, folder: Path) -> None:
    raise say.Failure("not here yet")
