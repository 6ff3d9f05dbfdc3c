"""What wakes the relay: a change stream over the collections with outboxes."""

import time
from collections.abc import Callable, Sequence
from threading import Event, Thread

import structlog
from pymongo.errors import PyMongoError

from chassis import outbox
from chassis.mongo import Database, Document

log = structlog.get_logger(__name__)

WAIT_SECONDS = 0.5

_AT_ONCE = 500
"""Changes that the server gives at once; left to itself it gives 16 MiB of them, which are five times as much here."""


def watch(database: Database, collections: Sequence[str], woken: Event, *, until: Callable[[], bool]) -> None:
    """Set ``woken`` at each change of the collections, in a thread; a sweep covers what is missed while it is away."""
    Thread(target=_watch, args=(database, collections, woken, until), name="change-stream", daemon=True).start()


def _watch(database: Database, collections: Sequence[str], woken: Event, until: Callable[[], bool]) -> None:
    # a document that comes without an event is nothing to wake for; of a change it cannot be told that easily
    telling = [{"operationType": "update"}, {f"fullDocument.{outbox.FIELD}.0": {"$exists": True}}]
    changes: list[Document] = [
        {"$match": {"ns.coll": {"$in": list(collections)}, "$or": telling}},
        # only the wake-up matters: the events are read from the documents
        {"$project": {"_id": 1}},
    ]
    while not until():
        try:
            waiting = int(WAIT_SECONDS * 1000)
            with database.db.watch(changes, max_await_time_ms=waiting, batch_size=_AT_ONCE) as stream:
                woken.set()
                # it is not alive any more after the database was dropped
                while stream.alive and not until():
                    if stream.try_next() is not None:
                        woken.set()
        except PyMongoError as error:
            log.warning("change stream away", error=summary(error))
            time.sleep(1)


def summary(error: Exception) -> str:
    """Without the text of the database's errors, which may show a document."""
    if isinstance(error, PyMongoError):
        return f"{type(error).__name__} {getattr(error, 'code', None) or ''}".rstrip()
    return repr(error)
