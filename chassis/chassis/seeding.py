"""Made-up data for trying, measuring and pictures: each service takes its part of a plan, in bulk (ADR 0038).

A service has a ``seed.py`` that calls ``main``:

    python -m <package>.seed             # the plans that were taken here, as JSON lines
    python -m <package>.seed FOLDER      # take this plan's part

A plan is a folder: ``plan.json`` says what it is called (``id``), the instant it is as of (``at``) and what it was
asked for; each kind of thing is a file of JSON lines. A plan is taken once: again it adds nothing, also of what was
deleted since, and one that was cut off is gone on with. Nobody is told of what was made up. Never in production.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeVar

import orjson
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from chassis.config import DataConfig
from chassis.mongo import Database, Document

COLLECTION = "seeds"
"""{_id: plan's id, plan: what it was asked for, done}: the plans that were taken."""

REFUSED = 2
"""Exit status in production, and for a plan that is not the one that was begun under its id."""

_BATCH = 1000
_DUPLICATE = 11000


class Plan:
    """A plan's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.asked: dict[str, Any] = orjson.loads((folder / "plan.json").read_bytes())
        self.id: str = self.asked["id"]

    def lines(self, kind: str) -> Iterator[Document]:
        """Everything of a kind, one by one."""
        with (self._folder / f"{kind}.jsonl").open("rb") as lines:
            yield from map(orjson.loads, lines)


def instant(text: str) -> datetime:
    """The instant that a plan writes as RFC 3339."""
    return datetime.fromisoformat(text)


def add(collection: Collection[Document], documents: Iterable[Document]) -> int:
    """Insert those whose ``_id`` is not there; how many. Raises BulkWriteError where anything else is in the way."""
    rest, added = iter(documents), 0
    while batch := list(islice(rest, _BATCH)):
        try:
            added += len(collection.insert_many(batch, ordered=False).inserted_ids)
        except BulkWriteError as error:
            details: Mapping[str, Any] = error.details or {}
            problems = details.get("writeErrors", [])
            if details.get("writeConcernErrors") or not all(_is_there(problem) for problem in problems):
                raise
            added += details["nInserted"]
    return added


def _is_there(problem: Mapping[str, Any]) -> bool:
    return problem["code"] == _DUPLICATE and "_id" in problem.get("keyPattern", {})


class Seeded(Protocol):
    """What a service's composition root builds."""

    @property
    def database(self) -> Database: ...


Built = TypeVar("Built", bound=Seeded)


def main(
    config: DataConfig,
    build: Callable[[], Built],
    take: Callable[[Built, Plan], Mapping[str, int]],
    arguments: Sequence[str],
) -> int:
    """Run the command; ``take`` does a service's part and returns how much of each thing it added."""
    if config.app_env == "production":
        print("refused: made-up people have no place in production", file=sys.stderr)
        return REFUSED
    built = build()
    seeds = built.database[COLLECTION]
    if not arguments:
        for record in seeds.find().sort("_id"):
            print(orjson.dumps({**record["plan"], "done": record["done"]}).decode())
        return 0
    plan = Plan(Path(arguments[0]))
    begun = seeds.find_one({"_id": plan.id})
    if begun and begun["plan"] != plan.asked:
        print(f"refused: another plan was begun as {plan.id}: {begun['plan']}", file=sys.stderr)
        return REFUSED
    if begun and begun["done"]:
        print(f"{plan.id} was taken before")
        return 0
    # before anything else, so that no other plan takes the place of one that was cut off
    seeds.update_one({"_id": plan.id}, {"$set": {"plan": plan.asked, "done": False}}, upsert=True)
    added = take(built, plan)
    seeds.update_one({"_id": plan.id}, {"$set": {"done": True}})
    print(", ".join(f"{count:,} {thing}" for thing, count in added.items()))
    return 0
