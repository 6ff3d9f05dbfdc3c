"""The loop: woken by a change, or by the clock, it publishes what waits, in batches."""

import signal
import time
from collections.abc import Sequence
from threading import Event, Thread
from types import FrameType
from typing import Any

import structlog
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError
from pymongo.change_stream import DatabaseChangeStream
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from chassis import amqp, outbox
from chassis.heartbeat import Heartbeat
from chassis.mongo import Database, Document
from chassis.relay import broker
from chassis.relay.holds import Holds
from chassis.relay.lease import Lease

log = structlog.get_logger(__name__)

BATCH = 200
SWEEP_SECONDS = 5.0
PULSE_SECONDS = 1.0
WAIT_SECONDS = 0.5
LONGEST_BACKOFF = 10.0
STUCK_SECONDS = 60.0
"""An event that waits for longer although the broker takes events is an alarm."""


class Relay:
    """Publishes what the documents of ``collections`` hold in their outboxes, until told to stop.

    A change stream wakes it within milliseconds; a sweep every five seconds finds what a lost wake-up left. Of several
    relays one publishes, by a lease of three seconds. Events of one document go out in their order. An event may be
    published twice (a crash between confirm and removal, a lease that changed hands): consumers know it by its id. An
    event that no queue takes, or that cannot be sent as it is, is kept, logged, and tried again after half a minute; it
    holds up the later ones of its document, not those of others.

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
        self._stopping = False
        self._woken = Event()
        self._lease = Lease(database)
        self._holds = Holds()
        self._alarmed_at = float("-inf")

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Finish the batch at hand, then return from ``run``."""
        self._stopping = True

    def run(self) -> None:
        """Work until ``stop``; broker and database may come and go meanwhile."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        Thread(target=self._listen, name="change-stream", daemon=True).start()
        backoff = 0.5
        while not self._stopping:
            try:
                with broker.connect(self._amqp_url) as connection:
                    backoff = 0.5
                    self._relay(connection)
            except (AMQPError, AMQPConnectorException, PyMongoError, OSError) as error:
                log.warning("relay waits", error=repr(error), seconds=backoff)
                self._pause(backoff)
                backoff = min(backoff * 2, LONGEST_BACKOFF)

    def _pause(self, seconds: float) -> None:
        # in small steps: a signal only sets a flag, and must not wait for a long pause to end
        until = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < until:
            time.sleep(0.1)

    def _watch(self) -> DatabaseChangeStream[Document]:
        changes: list[Document] = [
            {
                "$match": {
                    "ns.coll": {"$in": list(self._collections)},
                    "operationType": {"$in": ["insert", "update", "replace"]},
                }
            },
            # only the wake-up matters: the events are read from the documents
            {"$project": {"_id": 1}},
        ]
        return self._database.db.watch(changes, max_await_time_ms=int(WAIT_SECONDS * 1000))

    def _listen(self) -> None:
        """Set ``_woken`` at each change of the collections; the sweep covers what is missed while this is away."""
        while not self._stopping:
            try:
                with self._watch() as stream:
                    self._woken.set()
                    # it is not alive any more after the database was dropped
                    while stream.alive and not self._stopping:
                        if stream.try_next() is not None:
                            self._woken.set()
            except PyMongoError as error:
                log.warning("change stream away", error=repr(error))
                time.sleep(1)

    def _relay(self, connection: BlockingConnection) -> None:
        channel = broker.open_channel(connection, self._source, self._subscriptions)
        next_sweep = 0.0
        active = False
        try:
            while not self._stopping:
                woken = self._woken.wait(WAIT_SECONDS)
                self._woken.clear()
                was, active = active, self._lease.keep()
                if active and not was:
                    # what another held back is found out again
                    self._note_held()
                if active:
                    due = time.monotonic() >= next_sweep
                    if woken or due:
                        self._sweep(channel)
                    if due:
                        next_sweep = time.monotonic() + self._sweep_every
                        # what is held back, or not reached as this stops, is not published
                        if self._pulsing and not self._holds and not self._stopping and self._lease.keep():
                            broker.pulse(channel, self._source)
                else:
                    # what another leaves behind is found at once
                    next_sweep = 0.0
                connection.process_data_events(time_limit=0)
                self._heartbeat.beat()
        finally:
            # whoever reaches the broker goes on; where the database is away, the lease ends by itself
            self._lease.release()

    def _sweep(self, channel: BlockingChannel) -> None:
        self._holds.release_due()
        held = len(self._holds)
        for name in self._collections:
            while self._relay_batch(channel, name):
                # a long backlog is work, not a fault
                self._heartbeat.beat()
        if len(self._holds) > held:
            self._note_held()

    def _relay_batch(self, channel: BlockingChannel, name: str) -> bool:
        """Publish what a batch of documents holds, and remove what was confirmed; whether there may be more."""
        collection = self._database[name]
        documents = outbox.pending(collection, BATCH, self._holds.documents(name), self._holds.kinds)
        self._tell_if_stuck(name, documents)
        confirmed: dict[object, list[str]] = {}
        before = len(self._holds)
        complete = True
        try:
            for document in documents:
                for event in document[outbox.FIELD]:
                    # a relay that was frozen finds that another has gone on
                    if self._stopping or not self._lease.keep():
                        return False
                    if not self._publish(channel, name, document["_id"], event):
                        break
                    confirmed.setdefault(document["_id"], []).append(event["id"])
                complete = complete and len(document[outbox.FIELD]) < outbox.MOST_EVENTS
        finally:
            # also when the broker went away in between: what it confirmed needs no repetition
            if confirmed:
                outbox.pull(collection, confirmed)
        more = len(documents) == BATCH or not complete
        return more and (bool(confirmed) or len(self._holds) > before)

    def _publish(self, channel: BlockingChannel, name: str, identifier: object, event: Any) -> bool:
        kind = event.get("type")
        if kind in self._holds.kinds:
            # found out earlier in this batch
            return False
        try:
            taken = broker.publish(channel, self._source, event, mandatory=kind not in self._transient)
        except broker.Unsendable as error:
            # a defect of who wrote it: the others must not wait for its repair
            log.error("event cannot be sent", collection=name, document=str(identifier), error=str(error))
            self._holds.hold_document(name, identifier, kind)
            return False
        if not taken:
            log.error("event has no queue", alarm="EventUnroutable", event_id=event["id"], event_type=kind)
            self._holds.hold_kind(kind)
            return False
        if self._holds.published(kind):
            self._note_held()
        log.info("published", event_id=event["id"], event_type=kind, request_id=event.get("requestid"))
        return True

    def _note_held(self) -> None:
        """Let it be seen what no queue takes, and how much of it waits."""
        unroutable = self._holds.unroutable()
        collections: list[Collection[Document]] = [self._database[name] for name in self._collections]
        self._lease.note(
            {
                kind: {"since": since, "count": sum(outbox.count_first(collection, kind) for collection in collections)}
                for kind, since in unroutable.items()
            }
        )

    def _tell_if_stuck(self, name: str, documents: list[Document]) -> None:
        first = next((event["id"] for document in documents[:1] for event in document[outbox.FIELD][:1]), None)
        age = outbox.age(first) if first else 0.0
        if age > STUCK_SECONDS and time.monotonic() - self._alarmed_at > STUCK_SECONDS / 2:
            self._alarmed_at = time.monotonic()
            log.error("events are late", alarm="OutboxStuck", collection=name, seconds=round(age))
