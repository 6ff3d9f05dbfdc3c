"""The relay process: finds events in outboxes, publishes them with confirms, and only then removes them."""

import signal
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from threading import Event
from types import FrameType
from typing import Any

import orjson
import structlog
from pika.exceptions import AMQPError
from pymongo import timeout
from pymongo.errors import PyMongoError

from chassis import amqp, metrics, outbox, tracing
from chassis.clock import new_id
from chassis.events import Event as CloudEvent
from chassis.heartbeat import Heartbeat
from chassis.mongo import Database
from chassis.relay.changes import summary, watch
from chassis.relay.holding import DEFECTS, HOLD_SECONDS, Holding
from chassis.relay.lease import Lease
from chassis.relay.looking import Look, look
from chassis.relay.publisher import BrokerAway, Message, Publisher

log = structlog.get_logger(__name__)

BATCH = 200
EVENTS = 50
SWEEP_SECONDS = 5.0
PULSE_SECONDS = 1.0
WAIT_SECONDS = 0.5
SHORTEST_BACKOFF, LONGEST_BACKOFF = 0.5, 10.0
STUCK_SECONDS = 60.0
LOOK_SECONDS = 30.0
COUNTED = 10_000
COUNT_SECONDS = 2
_OUTCOMES = {True: "confirmed", False: "unroutable", None: "unconfirmed"}
# of a routing key and a message's id in AMQP
LONGEST_NAME = 255


class Relay:
    """Publishes what the documents of ``collections`` hold in their outboxes, until told to stop.

    Of several relays at once one works, by a lease; the others stand by. A change stream wakes it within milliseconds;
    a sweep every five seconds finds what a lost wake-up left. Events of one document go out in their order. An event
    may be published twice (a crash between confirm and removal, a change of relays): consumers know it by its id. A
    kind of event that no queue takes is held back, counted, and tried again after half a minute, as is an event that
    cannot be sent as it is; it holds up the later ones of its document, not those of others.

    Where some of its events are broadcast (``broadcasts``: for each process of a consumer that happens to be up), it
    says each second, after a sweep, that all is published: who hears no such pulse knows that news may be late.
    """

    def __init__(
        self,
        database: Database,
        collections: Sequence[str],
        *,
        source: str,
        amqp_url: str,
        subscriptions: amqp.Subscriptions,
        broadcasts: amqp.Subscriptions,
        heartbeat: Heartbeat,
        queues: Sequence[str],
        looks: Sequence[Look] | None,
    ) -> None:
        self._database = database
        self._collections = collections
        self._source = source
        self._amqp_url = amqp_url
        self._subscriptions = subscriptions
        kept = amqp.kinds_of_source(source, subscriptions)
        broadcast = amqp.kinds_of_source(source, broadcasts)
        # nobody may be there to hear these, and nobody needs them later
        self._transient = broadcast - kept
        self._sweep_every = PULSE_SECONDS if broadcast else SWEEP_SECONDS
        self._pulsing = bool(broadcast)
        self._heartbeat = heartbeat
        self._queues = queues
        # None where nobody is there to be told
        self._looks = looks
        self._stopping = False
        self._woken = Event()
        self._lease = Lease(database)
        self._holding = Holding()
        self._backoff = SHORTEST_BACKOFF
        self._next_look = 0.0
        self._next_defect = 0.0

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Finish what is under way, then return from ``run``."""
        self._stopping = True

    def run(self) -> None:
        """Work until ``stop``; broker and database may come and go meanwhile."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        watch(self._database, self._collections, self._woken, until=lambda: self._stopping)
        if self._looks is not None:
            look(
                self._database,
                self._collections,
                self._amqp_url,
                queues=self._queues,
                dead_letters=amqp.dead_letters(self._source),
                more=self._looks,
                until=lambda: self._stopping,
            )
        while not self._stopping:
            try:
                with self._connect() as publisher:
                    self._relay(publisher)
            except (BrokerAway, AMQPError, PyMongoError, OSError) as error:
                if not self._stopping:
                    log.warning("relay waits", error=summary(error), seconds=self._backoff)
                    self._pause(self._backoff)
                    self._backoff = min(self._backoff * 2, LONGEST_BACKOFF)

    def _connect(self) -> Publisher:
        return Publisher(
            self._amqp_url,
            self._source,
            self._subscriptions,
            stopping=lambda: self._stopping,
            beat=self._heartbeat.beat,
        )

    def _pause(self, seconds: float) -> None:
        # in small steps: a signal only sets a flag, and must not wait for a long pause to end
        until = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < until:
            self._heartbeat.beat()
            time.sleep(0.1)

    def _relay(self, publisher: Publisher) -> None:
        active = False
        next_sweep = 0.0
        try:
            while not self._stopping:
                woken = self._woken.wait(WAIT_SECONDS)
                self._woken.clear()
                publisher.serve()
                self._heartbeat.beat()
                was, active = active, self._lease.keep()
                if active and not was:
                    self._holding = Holding()
                    self._holding.inherit(self._lease.noted())
                    next_sweep = 0.0
                due = time.monotonic() >= next_sweep
                if active and (woken or due):
                    whole = self._sweep(publisher)
                    self._backoff = SHORTEST_BACKOFF
                    if due:
                        next_sweep = time.monotonic() + self._sweep_every
                        # what is held back, or not reached as this stops, is not published
                        if self._pulsing and whole and not self._holding:
                            self._pulse(publisher)
        finally:
            # also when only this one cannot reach the broker
            self._lease.release()

    def _pulse(self, publisher: Publisher) -> None:
        body = orjson.dumps({"source": self._source})
        publisher.publish([Message(new_id(), amqp.PULSE, body, mandatory=False)])
        publisher.check()

    def _sweep(self, publisher: Publisher) -> bool:
        """Publish what waits and is not held back; whether it came to the end of that."""
        began = time.monotonic()
        for name in self._collections:
            more = True
            while more:
                # A relay that was stopped for a while must not go on: another has the lease.
                if self._stopping or not self._lease.keep():
                    return False
                self._look_at_age()
                more = self._relay_batch(publisher, name)
                # a long backlog is work, not a fault
                self._heartbeat.beat()
        if self._holding.swept(began):
            self._lease.note(self._holding.notes(self._count))
        return True

    def _relay_batch(self, publisher: Publisher, name: str) -> bool:
        """Publish what a batch of documents holds and remove what was confirmed; whether there may be more."""
        collection = self._database[name]
        documents = outbox.pending(
            collection, BATCH, events=EVENTS, kinds=self._holding.kinds(), documents=self._holding.documents(name)
        )
        waiting = {document["_id"]: deque(document[outbox.FIELD]) for document in documents}
        more = len(documents) == BATCH or any(len(events) == EVENTS for events in waiting.values())
        confirmed: dict[object, list[str]] = {}
        try:
            while waiting and not self._stopping and self._lease.keep():
                sent = self._next_of_each(name, waiting)
                taken = publisher.publish(list(sent.values()))
                for (document, message), kept in zip(sent.items(), taken, strict=True):
                    metrics.PUBLISHED.labels(message.kind, _OUTCOMES[kept]).inc()
                    if kept:
                        event = waiting[document].popleft()
                        with tracing.span(f"publish {message.kind}", "producer", event.get(tracing.HEADER)):
                            request = event.get("requestid")
                            log.info(
                                "published", event_id=message.event_id, event_type=message.kind, request_id=request
                            )
                        confirmed.setdefault(document, []).append(message.event_id)
                    elif kept is False:
                        self._hold(message.kind, "event has no queue", event_id=message.event_id)
                publisher.check()
                waiting = {
                    document: waiting[document]
                    for document, kept in zip(sent, taken, strict=True)
                    if kept and waiting[document]
                }
        finally:
            # also when the broker went away in between: what it confirmed needs no repetition
            if confirmed:
                outbox.pull(collection, confirmed)
        return more

    def _next_of_each(self, name: str, waiting: dict[Any, deque[CloudEvent]]) -> dict[Any, Message]:
        """The next event of each document that is not held back: no later one may overtake one that is returned."""
        sent = {}
        for document, events in waiting.items():
            try:
                message = self._message(events[0])
            except (KeyError, TypeError, ValueError) as error:
                # a defect of who wrote it: the others must not wait for its repair
                self._hold_defect(name, document, events[0], error)
                continue
            if not self._holding.holds(message.kind):
                sent[document] = message
        return sent

    def _message(self, event: CloudEvent) -> Message:
        """Raises KeyError, TypeError or ValueError for an event that cannot be sent."""
        for name in (event["id"], event["type"]):
            if not isinstance(name, str):
                raise TypeError("its id and type must be texts")
            if len(name.encode()) > LONGEST_NAME:
                raise ValueError("its id or type is too long")
        return Message(event["id"], event["type"], orjson.dumps(event), event["type"] not in self._transient)

    def _hold(self, kind: str, why: str, **details: object) -> None:
        if self._holding.hold_kind(kind):
            log.error(why, alarm="EventUnroutable", event_type=kind, seconds=HOLD_SECONDS, **details)

    def _hold_defect(self, name: str, document: Any, event: Any, error: Exception) -> None:
        kind = event.get("type") if isinstance(event, dict) else None
        if not isinstance(kind, str):
            self._hold(DEFECTS, "event cannot be sent", collection=name, document=str(document), error=repr(error))
        elif not self._holding.hold_document(name, document):
            self._hold(kind, "too many events cannot be sent", collection=name)
        elif time.monotonic() >= self._next_defect:
            self._next_defect = time.monotonic() + HOLD_SECONDS
            log.error(
                "event cannot be sent",
                alarm="EventUnroutable",
                event_type=kind,
                collection=name,
                document=str(document),
                error=type(error).__name__,
            )

    def _count(self, kind: str) -> int:
        """How many documents wait with such an event; 10,000 are enough to know."""
        count = 0
        with suppress(PyMongoError), timeout(COUNT_SECONDS):
            for name in self._collections:
                count += outbox.count(self._database[name], kind, COUNTED - count) if count < COUNTED else 0
        return count

    def _look_at_age(self) -> None:
        """Tell of what waits too long although the broker can be reached, at most each half minute.

        An event's id begins with the instant of its making, by the clock of the host of a web process or a consumer.
        So this host's clock is as good to compare it with as the database's; hosts minutes apart make the alarm early
        or late by as much, and nothing else.
        """
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_SECONDS
        for name in self._collections:
            oldest = outbox.oldest(self._database[name])
            if oldest is not None and (age := time.time() - oldest) > STUCK_SECONDS:
                log.error("events wait", alarm="OutboxStuck", collection=name, oldest_seconds=int(age))
