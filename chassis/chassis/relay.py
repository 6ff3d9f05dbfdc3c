"""The relay process: finds events in outboxes, publishes them with confirms, and only then removes them."""

import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from threading import Event, Thread
from types import FrameType

import orjson
import pika
import structlog
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError, UnroutableError
from pymongo.change_stream import DatabaseChangeStream
from pymongo.errors import PyMongoError

from chassis import amqp, outbox
from chassis.config import DataConfig
from chassis.events import Event as CloudEvent
from chassis.events import subscriptions
from chassis.heartbeat import Heartbeat
from chassis.mongo import Database, Document

log = structlog.get_logger(__name__)

BATCH = 200
SWEEP_SECONDS = 5.0
WAIT_SECONDS = 0.5
HOLD_SECONDS = 30.0
LONGEST_BACKOFF = 10.0


class Relay:
    """Publishes what the documents of ``collections`` hold in their outboxes, until told to stop.

    A change stream wakes it within milliseconds; a sweep every five seconds finds what a lost wake-up left.
    Events of one document go out in their order. An event may be published twice (a crash between confirm and
    removal, a second relay): consumers know it by its id. An event that no queue takes is kept, logged, and
    tried again after half a minute; it does not hold up those of other documents.
    """

    def __init__(
        self,
        database: Database,
        collections: Sequence[str],
        *,
        source: str,
        amqp_url: str,
        subscriptions: amqp.Subscriptions,
        heartbeat: Heartbeat,
    ) -> None:
        self._database = database
        self._collections = collections
        self._source = source
        self._amqp_url = amqp_url
        self._subscriptions = subscriptions
        self._heartbeat = heartbeat
        self._stopping = False
        self._woken = Event()
        self._held: dict[object, float] = {}

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
            except (AMQPError, PyMongoError, OSError) as error:
                log.warning("relay waits", error=repr(error), seconds=backoff)
                time.sleep(backoff)
                backoff = min(backoff * 2, LONGEST_BACKOFF)

    def _connect(self) -> BlockingConnection:
        parameters = pika.URLParameters(self._amqp_url)
        parameters.heartbeat = 30
        parameters.blocked_connection_timeout = 30
        return BlockingConnection(parameters)

    def _watch(self) -> DatabaseChangeStream[Document]:
        changes = [
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
                    while not self._stopping:
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
            if woken or time.monotonic() >= next_sweep:
                self._sweep(channel)
                next_sweep = time.monotonic() + SWEEP_SECONDS
            connection.process_data_events(time_limit=0)
            self._heartbeat.beat()

    def _sweep(self, channel: BlockingChannel) -> None:
        now = time.monotonic()
        self._held = {document: until for document, until in self._held.items() if until > now}
        for name in self._collections:
            collection = self._database[name]
            while documents := outbox.pending(collection, BATCH, self._held):
                published = {
                    document["_id"]: [
                        event["id"] for event in self._publish_in_order(channel, document["_id"], document["outbox"])
                    ]
                    for document in documents
                }
                done = {document: events for document, events in published.items() if events}
                if done:
                    outbox.pull(collection, done)
                if len(documents) < BATCH or self._stopping:
                    break

    def _publish_in_order(self, channel: BlockingChannel, document: object, events: list[CloudEvent]) -> list[CloudEvent]:
        published: list[CloudEvent] = []
        with suppress(UnroutableError):
            for event in events:
                self._publish(channel, document, event)
                published.append(event)
        return published

    def _publish(self, channel: BlockingChannel, document: object, event: CloudEvent) -> None:
        try:
            channel.basic_publish(
                amqp.exchange(self._source),
                event["type"],
                orjson.dumps(event),
                pika.BasicProperties(
                    content_type="application/json",
                    content_encoding="utf-8",
                    delivery_mode=pika.DeliveryMode.Persistent,
                    message_id=event["id"],
                    type=event["type"],
                    app_id=self._source,
                ),
                mandatory=True,
            )
        except UnroutableError:
            self._held[document] = time.monotonic() + HOLD_SECONDS
            log.error("event has no queue", event_id=event["id"], event_type=event["type"])
            raise
        log.info("published", event_id=event["id"], event_type=event["type"], request_id=event.get("requestid"))


def relay(source: str, config: DataConfig, database: Database, collections: Sequence[str]) -> Relay:
    """The relay of a service, for its ``relay.py``."""
    return Relay(
        database,
        collections,
        source=source,
        amqp_url=config.amqp_url,
        subscriptions=subscriptions(config.contracts_dir),
        heartbeat=Heartbeat(config.heartbeat_file),
    )
