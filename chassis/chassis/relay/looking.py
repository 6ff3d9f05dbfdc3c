"""What the relay tells of its service's outboxes, queues and dead letters: looked at now and then, whoever relays.

A thread of its own, for it must also tell that events wait while the broker is away and the relay waits for it. Where
a service has several relays each looks: take the largest of what they tell.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan
from threading import Thread

import structlog
from pika.adapters.blocking_connection import BlockingConnection
from prometheus_client import Gauge
from pymongo import timeout

from chassis import broker, outbox
from chassis.mongo import Database, is_away
from chassis.relay.lease import noted

log = structlog.get_logger(__name__)

EVERY_SECONDS = 15.0
MOST_COUNTED = 10_000
_ANSWER_SECONDS = 5
_NONE = (0, 0)

DOCUMENTS = Gauge("outbox_documents", "Documents with unpublished events; 10,000 are counted at most.", ["collection"])
EVENTS = Gauge("outbox_events", "Unpublished events in those documents.", ["collection"])
OLDEST = Gauge("outbox_oldest_seconds", "How long the oldest unpublished event has waited.", ["collection"])
HELD = Gauge("outbox_held_documents", "Documents held back: no queue takes their next event.", ["type"])
QUEUED = Gauge("queue_messages", "Messages that are ready in a queue that this service reads.", ["queue"])
CONSUMERS = Gauge("queue_consumers", "Consumers of a queue that this service reads.", ["queue"])
DEAD = Gauge("dead_letters", "Messages that this service could not handle.", ["queue"])
DATABASE_AWAY = Gauge("database_away", "1 while the service's database does not answer the relay, else 0.")
BROKER_AWAY = Gauge("broker_away", "1 while the broker does not answer the relay, else 0.")


@dataclass(frozen=True)
class Look:
    """A look of a service's own at its database, and the gauges that it sets, those with labels and those without."""

    do: Callable[[], None]
    """May raise whatever the driver does."""
    labelled: Sequence[Gauge] = ()
    single: Sequence[Gauge] = ()

    def forget(self) -> None:
        """An old figure would look like one of now."""
        for gauge in self.labelled:
            gauge.clear()
        for gauge in self.single:
            gauge.set(nan)


def look(
    database: Database,
    collections: Sequence[str],
    amqp_url: str,
    *,
    queues: Sequence[str],
    dead_letters: str,
    more: Sequence[Look],
    until: Callable[[], bool],
) -> None:
    """Look each 15 s until told to stop: at outboxes, the queues, the dead letters, and whatever else ``more`` does."""

    def looking() -> None:
        while not until():
            _look_at_database(database, collections, more)
            _look_at_broker(amqp_url, queues, dead_letters)
            next_look = time.monotonic() + EVERY_SECONDS
            while not until() and time.monotonic() < next_look:
                time.sleep(0.2)

    Thread(target=looking, name="looking", daemon=True).start()


def _look_at_database(database: Database, collections: Sequence[str], more: Sequence[Look]) -> None:
    def at_outboxes() -> None:
        for name in collections:
            documents, events, oldest = outbox.state(database[name], MOST_COUNTED)
            DOCUMENTS.labels(name).set(documents)
            EVENTS.labels(name).set(events)
            OLDEST.labels(name).set(max(0.0, time.time() - oldest) if oldest else 0)
        held = noted(database)
        HELD.clear()
        for kind, note in held.items():
            HELD.labels(kind).set(note["count"])

    outboxes = Look(at_outboxes, labelled=(DOCUMENTS, EVENTS, OLDEST, HELD))
    DATABASE_AWAY.set(_is_away("database", [outboxes, *more], is_away))


def _look_at_broker(amqp_url: str, queues: Sequence[str], dead_letters: str) -> None:
    def at_queues() -> None:
        with BlockingConnection(broker.bounded(amqp_url, _ANSWER_SECONDS)) as connection:
            for queue in queues:
                messages, consumers = broker.state(connection, queue) or _NONE
                QUEUED.labels(queue).set(messages)
                CONSUMERS.labels(queue).set(consumers)
            DEAD.labels(dead_letters).set((broker.state(connection, dead_letters) or _NONE)[0])

    look_at_queues = Look(at_queues, labelled=(QUEUED, CONSUMERS, DEAD))
    BROKER_AWAY.set(_is_away("broker", [look_at_queues], lambda error: isinstance(error, broker.AWAY)))


def _is_away(what: str, looks: Sequence[Look], says_so: Callable[[Exception], bool]) -> bool:
    """Do the looks at it; True where it is away, so that nothing is told of it."""
    for each in looks:
        try:
            with timeout(_ANSWER_SECONDS):
                each.do()
        except Exception as error:
            if says_so(error):
                log.warning("away, so nothing is known of it", part=what, error=type(error).__name__)
                for one in looks:
                    one.forget()
                return True
            # a defect of one look ends neither the others nor the ones to come
            log.error("look failed", part=what, error=type(error).__name__)
            each.forget()
    return False
