"""A year's data forward, back and forward again, while processes of the version before go on writing."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from chassis.migrations import COLLECTION, Migrator
from chassis.mongo import Database

Documents = dict[str, dict[Any, dict[str, Any]]]
"""{collection: {id: document}}"""

OldWrite = Callable[[int], list[Any]]
"""One more change of the version before, by its number; the ids of the documents that it wrote."""


def forward_back_forward(database: Database, migrator: Migrator, old_write: OldWrite, volatile: set[str]) -> Documents:
    """The documents after it; those that nobody wrote meanwhile are as they were after the first time forward.

    ``volatile``: fields that a migration is to make anew each time, of the top level.
    """
    with _writing(old_write, itertools.count()) as before:
        migrator.up()
    migrator.repeat()
    first = documents(database)
    with _writing(old_write, itertools.count(len(before))) as written:
        migrator.down("000")
    assert not migrator.applied()
    migrator.up()
    second = documents(database)
    touched = set(itertools.chain.from_iterable(written))
    assert before
    assert written
    for collection, held in first.items():
        assert second[collection].keys() - touched == held.keys() - touched
        for identifier in held.keys() - touched:
            then, now = held[identifier], second[collection][identifier]
            assert {**now, **dict.fromkeys(volatile)} == {**then, **dict.fromkeys(volatile)}
    return second


def documents(database: Database) -> Documents:
    """All that a database holds, without the migrations' records."""
    names = set(database.db.list_collection_names()) - {COLLECTION}
    return {name: {document["_id"]: document for document in database[name].find()} for name in names}


@contextmanager
def _writing(old_write: OldWrite, numbers: Iterator[int]) -> Iterator[list[list[Any]]]:
    """Write until the block ends; what was written, and whatever the writer raised."""
    done = Event()
    written: list[list[Any]] = []
    failed: list[Exception] = []

    def write() -> None:
        try:
            for number in numbers:
                written.append(old_write(number))
                if done.is_set():
                    return
        except Exception as error:  # for the test to raise
            failed.append(error)

    writer = Thread(target=write)
    writer.start()
    try:
        yield written
    finally:
        done.set()
        writer.join()
    if failed:
        raise failed[0]
