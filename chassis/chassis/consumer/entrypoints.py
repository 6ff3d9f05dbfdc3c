"""What brings messages to a consumer's methods, and what becomes of each afterwards."""

import sys
from typing import Any

import eventlet
import structlog
from kombu import Exchange, Queue
from kombu.serialization import dumps
from nameko.exceptions import UnserializableValueError, serialize
from nameko.messaging import Consumer as QueueEntrypoint
from nameko.rpc import Rpc, RpcConsumer, get_rpc_exchange

from chassis import amqp, tracing
from chassis.consumer.queues import REQUEUE_PAUSE_SECONDS, Poison, Queues
from chassis.consumer.sender import NotSent
from chassis.mongo import is_away
from chassis.rpc import TRACED_BY

log = structlog.get_logger(__name__)

MOST_FAILURES = 20
LONGEST_PAUSE_SECONDS = 60.0
"""What a handler fails at comes again after 1 s, 2 s, 4 s … 60 s, and is a dead letter after 14 minutes (ADR 0021)."""


class _RpcConsumer(RpcConsumer):
    queue_consumer = Queues()

    def handle_result(self, message: Any, result: Any, exc_info: Any) -> Any:
        """As nameko's own, whose sending of the answer waits for ever for a broker that fell silent."""
        try:
            answer = dumps({"result": result, "error": serialize(exc_info[1]) if exc_info else None}, "json")[2]
        except Exception:
            exc_info = sys.exc_info()
            answer = dumps({"result": None, "error": serialize(UnserializableValueError(result))}, "json")[2]
        try:
            self.queue_consumer.sender.send(
                answer,
                get_rpc_exchange(self.container.config).name,
                message.properties["reply_to"],
                mandatory=False,
                content_type="application/json",
                content_encoding="utf-8",
                correlation_id=message.properties.get("correlation_id"),
            )
        except NotSent as error:
            # the caller has given up by now
            log.warning("rpc reply lost", error=str(error))
        self.queue_consumer.ack_message(message)
        return result, exc_info


class RpcEntrypoint(Rpc):
    rpc_consumer = _RpcConsumer()

    def handle_message(self, body: Any, message: Any) -> None:
        # nameko's own answers one that has no arguments
        if (caller := message.headers.get(tracing.HEADER)) and isinstance(body.get("kwargs"), dict):
            body["kwargs"][TRACED_BY] = caller
        super().handle_message(body, message)


class EventQueue(QueueEntrypoint):
    """A nameko entrypoint on the service's own quorum queue: acknowledged after success, requeued on failure,
    dead-lettered if it is poison. (nameko's event_handler would acknowledge failures and use a classic queue.)
    """

    queue_consumer = Queues()

    def __init__(self, source: str, kind: str, **options: Any) -> None:
        self.source = source
        self.kind = kind
        super().__init__(queue=None, requeue_on_error=True, **options)

    def setup(self) -> None:
        consumer = self.container.service_name
        self.queue = Queue(
            amqp.queue(consumer, self.source, self.kind),
            exchange=Exchange(amqp.exchange(self.source), type="topic", durable=True),
            routing_key=self.kind,
            durable=True,
            queue_arguments=amqp.queue_arguments(consumer),
        )
        super().setup()

    def handle_message_processed(self, message: Any, result: Any = None, exc_info: Any = None) -> None:
        if exc_info is None:
            self.queue_consumer.ack_message(message)
        elif isinstance(exc_info[1], Poison):
            self.queue_consumer.bury(message, self.queue.name, str(exc_info[1]))
        elif is_away(exc_info[1]):
            # all others wait for the same: it keeps its place
            log.warning("database away, message given back", queue=self.queue.name)
            eventlet.sleep(REQUEUE_PAUSE_SECONDS)
            self.queue_consumer.requeue_message(message)
        else:
            self._failed(message, exc_info)

    def _failed(self, message: Any, exc_info: Any) -> None:
        before = message.headers.get(amqp.FAILURES)
        failures = (before if isinstance(before, int) and before > 0 else 0) + 1
        if failures >= MOST_FAILURES:
            reason = f"failed {failures} times, at last with {exc_info[0].__name__}"
            self.queue_consumer.bury(message, self.queue.name, reason)
            return
        pause = min(2.0 ** (failures - 1), LONGEST_PAUSE_SECONDS)
        log.error("handler failed", queue=self.queue.name, failures=failures, again_in=pause, exc_info=exc_info)
        self.queue_consumer.put_off(message, self.queue.name, failures, pause)
