"""The feed: each worker hears of revocations as they happen, over a connection to the broker of its own."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Any

import orjson
import pika
import structlog
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from prometheus_client import Gauge

from chassis import amqp
from gateway.events import act_on
from gateway.revocations import Freshness, Revocations
from gateway.upstream import Upstream

log = structlog.get_logger(__name__)

# "livemin": what counts is the worker that has heard nothing for longest, of those that are there
PULSE_AT = Gauge(
    "gateway_revocation_pulse_timestamp_seconds",
    "When the worker that is worst off last knew of all revocations of a source.",
    ["source"],
    multiprocess_mode="livemin",
)

HEARTBEAT_SECONDS = 5
"""Less makes false alarms likely (RabbitMQ's guide to heartbeats). pika gives a silent broker up after twenty
seconds; long before that its sources count as stale."""

SNAPSHOT_SECONDS = 10.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 4.0
_LOOK_UP_EVERY_SECONDS = 0.5


class QueueGone(Exception):
    """The broker ended our queue or channel, but not the connection."""


@dataclass(frozen=True)
class Source:
    """A service that announces revocations."""

    name: str
    kinds: Sequence[str]
    freshness: Freshness
    learn: Callable[[], None]
    """Takes in a snapshot of all that the service revoked lately; raises if there is none to be had."""


def snapshot(
    upstream: Upstream, target: str, name: str, take_in: Callable[[dict[str, float]], None]
) -> Callable[[], None]:
    """What reads a snapshot ``{name: {id: seconds since 1970}}`` from a service and takes it in."""

    def learn() -> None:
        told = upstream.read_json(target, SNAPSHOT_SECONDS)[name]
        take_in({str(key): float(instant) for key, instant in told.items()})

    return learn


class Feed:
    """Keeps ``revocations`` and each source's freshness up to date, from ``start`` to ``stop``.

    On every connection the queue is bound first and the snapshots are taken then, so that nothing is missed in
    between. While there is no connection no source is fresh, and requests are decided by asking.
    """

    def __init__(self, amqp_url: str, sources: Sequence[Source], revocations: Revocations) -> None:
        self._amqp_url = amqp_url
        self._sources = {amqp.exchange(source.name): source for source in sources}
        self._revocations = revocations
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="revocation-feed", daemon=True)
        self._changing = Lock()
        # what the snapshots at hand belong to: one begun before the present queue was bound completes nothing
        self._link: object | None = None
        for source in sources:
            PULSE_AT.labels(source.name)

    def start(self) -> None:
        """Begin in the background; to be called in the worker, for no thread survives a fork."""
        self._thread.start()

    def stop(self) -> None:
        """End, closing the connection in good order if that is quickly done."""
        self._stopping.set()
        self._thread.join(2 * _LOOK_UP_EVERY_SECONDS)

    def _run(self) -> None:
        pause = SHORTEST_PAUSE
        while not self._stopping.is_set():
            try:
                with self._connect() as connection:
                    channel = self._bind(connection)
                    pause = SHORTEST_PAUSE
                    try:
                        self._follow(connection, channel)
                    finally:
                        # before the connection is closed, which takes a while where the other end is silent
                        self._lose()
            except Exception as error:
                # whatever it was: requests are decided by asking meanwhile, and the feed must come back
                log.warning("revocation feed away", error=repr(error), seconds=pause)
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _connect(self) -> BlockingConnection:
        parameters = pika.URLParameters(self._amqp_url)
        parameters.heartbeat = HEARTBEAT_SECONDS
        parameters.socket_timeout = parameters.stack_timeout = HEARTBEAT_SECONDS
        return BlockingConnection(parameters)

    def _bind(self, connection: BlockingConnection) -> BlockingChannel:
        channel = connection.channel()
        queue = channel.queue_declare("", exclusive=True, auto_delete=True).method.queue
        for exchange, source in self._sources.items():
            # the exchange alone, as its relay declares it: that may not have run yet
            amqp.declare_source(channel, source.name, {})
            for key in (*source.kinds, amqp.PULSE):
                channel.queue_bind(queue, exchange, key)
        channel.basic_consume(queue, self._hear, auto_ack=True, exclusive=True)
        return channel

    def _follow(self, connection: BlockingConnection, channel: BlockingChannel) -> None:
        link = self._link = object()
        for source in self._sources.values():
            # apart from the connection: a service that is slow to answer must not hold up the others' news
            learning = Thread(target=self._learn, args=(source, link), name=f"snapshot-{source.name}", daemon=True)
            learning.start()
        log.info("revocation feed bound")
        while not self._stopping.is_set():
            if not channel.consumer_tags:
                raise QueueGone
            connection.process_data_events(_LOOK_UP_EVERY_SECONDS)

    def _lose(self) -> None:
        with self._changing:
            self._link = None
            for source in self._sources.values():
                source.freshness.lost()

    def _learn(self, source: Source, link: object) -> None:
        pause = SHORTEST_PAUSE
        while self._link is link and not self._stopping.is_set():
            began = time.monotonic()
            try:
                source.learn()
            except Exception as error:
                # also for a snapshot that is none: until there is one, requests are decided by asking
                log.warning("no snapshot", source=source.name, error=repr(error), seconds=pause)
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            with self._changing:
                if self._link is link:
                    source.freshness.learned(began)
                    PULSE_AT.labels(source.name).set_to_current_time()
            return

    def _hear(self, _channel: object, method: Any, _properties: object, body: bytes) -> None:
        source = self._sources[method.exchange]
        if method.routing_key == amqp.PULSE:
            if source.freshness.pulse(time.monotonic()):
                PULSE_AT.labels(source.name).set_to_current_time()
            return
        kind = method.routing_key
        try:
            event = orjson.loads(body)
            act_on(kind, event, self._revocations)
        except Exception as error:
            # a message that no repetition can make good must not keep the next ones from being heard
            log.error("bad message skipped", source=source.name, kind=kind, error=type(error).__name__)
            return
        log.info("heard", kind=kind, event_id=event.get("id"), request_id=event.get("requestid"))
