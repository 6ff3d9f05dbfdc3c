"""The process itself: from its start to its end on SIGTERM."""

import os
import signal
from typing import Any

import eventlet
import structlog
from kombu import Connection, Exchange, Queue
from nameko.runners import ServiceRunner

from chassis import amqp
from chassis.config import DataConfig
from chassis.consumer.handlers import rpc
from chassis.heartbeat import EVERY_SECONDS, Heartbeat
from chassis.standing import Standing, standing

log = structlog.get_logger(__name__)

PREFETCH = 4
"""Small: what is prefetched waits behind a slow handler, and a crash redelivers all of it (ADR 0004)."""

HEARTBEAT_SECONDS = 6
"""Of the connection: a broker that is silent for twice as long is taken for dead; well below 30 s with the way back."""

DYING_SECONDS = 5.0
"""For a process to end after a defect; then it is ended, so that its supervisor starts another."""


def serve(consumer: type, config: DataConfig) -> None:
    """Consume until SIGTERM, then finish the messages at hand."""
    _declare(config.amqp_url, consumer.name)  # type: ignore[attr-defined]
    runner = ServiceRunner({"AMQP_URI": config.amqp_url, "max_workers": PREFETCH, "HEARTBEAT": HEARTBEAT_SECONDS})
    runner.add_service(_reporting(consumer))
    runner.start()
    log.info("consuming")
    # not in the handler itself: stopping waits for workers, which a signal handler may not
    signal.signal(signal.SIGTERM, lambda *_: eventlet.spawn_n(runner.stop))
    signal.signal(signal.SIGINT, lambda *_: eventlet.spawn_n(runner.stop))
    beating = eventlet.spawn(_beat, Heartbeat(config.heartbeat_file), runner)
    runner.wait()
    beating.kill()
    log.info("stopped")


def _reporting(consumer: Any) -> type:
    """The consumer that also answers how its service is: that it answers tells of itself."""

    class Reporting(consumer):
        name = consumer.name

        @rpc(Standing)
        def standing(self) -> dict[str, Any]:
            return standing(self.inbox.database)

    return Reporting


def _declare(amqp_url: str, name: str) -> None:
    # kombu declares the event queues as it consumes; what is refused or failed at needs its place before the first is
    retries = amqp.retries(name)
    queues = [
        Queue(amqp.dead_letters(name), queue_arguments=amqp.DEAD_LETTER_ARGUMENTS),
        Queue(retries, exchange=Exchange(retries, type="fanout"), queue_arguments=amqp.RETRIES_ARGUMENTS),
    ]
    with Connection(amqp_url) as connection:
        connection.ensure_connection(max_retries=30, interval_start=0.5, interval_step=0.5, interval_max=2)
        for queue in queues:
            queue(connection.default_channel).declare()


def _beat(heartbeat: Heartbeat, runner: ServiceRunner) -> None:
    while not any(container._being_killed for container in runner.containers):
        heartbeat.beat()
        eventlet.sleep(EVERY_SECONDS)
    # a defect outside of a handler; where it hits two workers at once, nameko's end waits for itself for ever
    eventlet.sleep(DYING_SECONDS)
    log.critical("did not end by itself")
    os._exit(1)
