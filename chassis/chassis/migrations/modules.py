"""The migrations that a service's code has."""

import importlib
import pkgutil
from dataclasses import dataclass
from typing import Protocol, cast

from pymongo.database import Database

from chassis.mongo import Document


class Module(Protocol):
    def forward(self, db: Database[Document]) -> None: ...
    def back(self, db: Database[Document]) -> None: ...


@dataclass(frozen=True)
class Migration:
    name: str
    module: Module


def migrations_in(package: str) -> list[Migration]:
    """The package's migrations in their order. Raises ValueError if two share a number."""
    path = importlib.import_module(package).__path__
    names = sorted(item.name for item in pkgutil.iter_modules(path) if item.name[:3].isdigit())
    numbers = [name[:3] for name in names]
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"{package}: two migrations share a number")
    return [Migration(name, cast(Module, importlib.import_module(f"{package}.{name}"))) for name in names]
