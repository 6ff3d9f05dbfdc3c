"""The relay process: finds events in outboxes, publishes them with confirms, and only then removes them."""

import signal
import time
from collections.abc import Sequence
from threading import Event, Thread
from types import FrameType

import orjson
import pika
import structlog
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError, NackError, UnroutableError
from pymongo.change_stream import DatabaseChangeStream
from pymongo.errors import PyMongoError

from chassis import amqp, outbox
from chassis.config import DataConfig
from chassis.events import Event as CloudEvent
from chassis.events import broadcasts, subscriptions
from chassis.heartbeat import Heartbeat
from chassis.mongo import Database, Document

log = structlog.get_logger(__name__)

BATCH = 200
SWEEP_SECONDS = 5.0
PULSE_SECONDS = 1.0
WAIT_SECONDS = 0.5
HOLD_SECONDS = 30.0
LONGEST_BACKOFF = 10.0


class Relay:
    """Publishes what the documents of ``collections`` hold in their outboxes, until told to stop.

    A change stream wakes it within milliseconds; a sweep every five seconds finds what a lost wake-up left.
    Events of one document go out in their order. An event may be published twice (a crash between confirm and
    removal, a second relay): consumers know it by its id. An event that no queue takes, or that cannot be sent
    as it is, is kept, logged, and tried again after half a minute; it holds up the later ones of its document,
    not those of others.

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
        self._held: dict[tuple[str, object], float] = {}

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
                with self._connect() as connection:
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

    def _connect(self) -> BlockingConnection:
        parameters = pika.URLParameters(self._amqp_url)
        parameters.heartbeat = 30
        parameters.blocked_connection_timeout = 30
        return BlockingConnection(parameters)

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
        channel = connection.channel()
        amqp.declare_source(channel, self._source, self._subscriptions)
        channel.confirm_delivery()
        next_sweep = 0.0
        while not self._stopping:
            woken = self._woken.wait(WAIT_SECONDS)
            self._woken.clear()
            due = time.monotonic() >= next_sweep
            if woken or due:
                self._sweep(channel)
                if due:
                    next_sweep = time.monotonic() + self._sweep_every
                    # what is held back, or not reached as this stops, is not published
                    if self._pulsing and not self._held and not self._stopping:
                        self._pulse(channel)
            connection.process_data_events(time_limit=0)
            self._heartbeat.beat()

    def _pulse(self, channel: BlockingChannel) -> None:
        channel.basic_publish(amqp.exchange(self._source), amqp.PULSE, orjson.dumps({"source": self._source}))

    def _sweep(self, channel: BlockingChannel) -> None:
        now = time.monotonic()
        self._held = {document: until for document, until in self._held.items() if until > now}
        for name in self._collections:
            while not self._stopping and self._relay_batch(channel, name) == BATCH:
                # a long backlog is work, not a fault
                self._heartbeat.beat()

    def _relay_batch(self, channel: BlockingChannel, name: str) -> int:
        """Publish what a batch of documents holds and remove what was confirmed; the number of documents."""
        collection = self._database[name]
        documents = outbox.pending(collection, BATCH, [held for where, held in self._held if where == name])
        confirmed: dict[object, list[str]] = {}
        try:
            for document in documents:
                for event in document[outbox.FIELD]:
                    if not self._publish(channel, event):
                        self._held[name, document["_id"]] = time.monotonic() + HOLD_SECONDS
                        log.error("document's events held", collection=name, document=str(document["_id"]))
                        break
                    confirmed.setdefault(document["_id"], []).append(event["id"])
        finally:
            # also when the broker went away in between: what it confirmed needs no repetition
            if confirmed:
                outbox.pull(collection, confirmed)
        return len(documents)

    def _publish(self, channel: BlockingChannel, event: CloudEvent) -> bool:
        """Whether the broker confirmed that it has the event in a queue."""
        try:
            event_id, kind, body = event["id"], event["type"], orjson.dumps(event)
        except (KeyError, TypeError) as error:
            # a defect of who wrote it: the others must not wait for its repair
            log.error("event cannot be sent", error=repr(error))
            return False
        try:
            channel.basic_publish(
                amqp.exchange(self._source),
                kind,
                body,
                pika.BasicProperties(
                    content_type="application/json",
                    content_encoding="utf-8",
                    delivery_mode=pika.DeliveryMode.Persistent,
                    message_id=event_id,
                    type=kind,
                    app_id=self._source,
                ),
                mandatory=kind not in self._transient,
            )
        except (UnroutableError, NackError):
            log.error("event has no queue", event_id=event_id, event_type=kind)
            return False
        log.info("published", event_id=event_id, event_type=kind, request_id=event.get("requestid"))
        return True


def relay(source: str, config: DataConfig, database: Database, collections: Sequence[str]) -> Relay:
    """The relay of a service, for its ``relay.py``."""
    return Relay(
        database,
        collections,
        source=source,
        amqp_url=config.amqp_url,
        subscriptions=subscriptions(config.contracts_dir),
        broadcasts=broadcasts(config.contracts_dir),
        heartbeat=Heartbeat(config.heartbeat_file),
    )
