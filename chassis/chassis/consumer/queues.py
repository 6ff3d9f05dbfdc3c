"""nameko's queue consumers, made to lose no message and to end when they are told to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import eventlet
import orjson
import structlog
from amqp.exceptions import ConnectionError as BrokerLost
from amqp.exceptions import RecoverableConnectionError
from kombu import Queue
from nameko.messaging import QueueConsumer

from chassis import amqp
from chassis.clock import instant_text, now
from chassis.consumer.sender import NotSent, Sender

log = structlog.get_logger(__name__)

REQUEUE_PAUSE_SECONDS = 1.0

CANCEL_SECONDS = 5.0

LONGEST_RECONNECT_SECONDS = 5
"""Between two attempts to reach the broker; kombu's own pause grows to 30 s."""

# user-id, expiration and the like are the sender's, or the first queue's
_KEPT_PROPERTIES = ("message_id", "type", "app_id", "timestamp", "correlation_id")


class Poison(Exception):
    """A message that no repetition can make good: it goes to the dead letters."""


class _Stopped(Exception):
    """Told to stop while the broker is away."""


class Queues(QueueConsumer):
    """nameko's consumer of all queues of a process, made to lose nothing and to end when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self._at_hand: set[Any] = set()
        self._pending_remove_providers: dict[Any, Any] = {}
        self._channel: Any = None

    def setup(self) -> None:
        self.sender = Sender(self.amqp_uri)

    def stop(self) -> None:
        super().stop()
        self.sender.close()

    def run(self, _tokens: int = 1, **options: Any) -> None:
        with suppress(_Stopped):
            super().run(_tokens, **options)

    def get_consumers(self, consumer_cls: Any, channel: Any) -> Any:
        # a new connection: what came over the one before is the broker's again
        self._at_hand.clear()
        # and what broke that one may have broken these
        self.sender.close()
        self._channel = channel

        def make(queues: list[Queue], **options: Any) -> Any:
            unreadable = partial(self._on_unreadable, queues[0])
            return consumer_cls(queues=queues, **{**options, "on_decode_error": unreadable})

        return super().get_consumers(make, channel)

    def handle_message(self, provider: Any, body: Any, message: Any) -> None:
        self._at_hand.add(message)
        super().handle_message(provider, body, message)

    def ack_message(self, message: Any) -> None:
        self._settle(message, message.ack)

    def requeue_message(self, message: Any) -> None:
        self._settle(message, message.requeue)

    def bury(self, message: Any, queue: str, reason: str) -> None:
        """Put a message of ``queue`` among the dead letters with the reason, which holds no text of the message."""
        identifier = _event_id(message)
        log.error("dead-lettered", alarm="DeadLetters", queue=queue, reason=reason, event_id=identifier)
        note = {
            "reason": reason,
            "queue": queue,
            "exchange": message.delivery_info["exchange"],
            "routingKey": message.delivery_info["routing_key"],
            "at": instant_text(now()),
            "eventId": identifier,
        }
        letters = amqp.dead_letters(self.container.service_name)
        # the broker itself would do it then; it knows no reason
        self._move(message, "", letters, message.reject, {amqp.DEAD_LETTER: note})

    def put_off(self, message: Any, queue: str, failures: int, pause: float) -> None:
        """Have a message that was failed at come again after ``pause`` seconds, behind the others of its queue."""
        retries = amqp.retries(self.container.service_name)
        headers = {amqp.FAILURES: failures}
        self._move(message, retries, queue, message.requeue, headers, expiration=str(int(pause * 1000)))

    def _move(
        self,
        message: Any,
        exchange: str,
        routing_key: str,
        otherwise: Callable[[], None],
        headers: dict[str, Any],
        **properties: Any,
    ) -> None:
        """Publish it elsewhere, and only then acknowledge it: killed in between, it is there twice."""
        if not message.channel.connection:
            return self._settle(message, message.ack)
        kept = {name: value for name, value in message.properties.items() if name in _KEPT_PROPERTIES}
        try:
            self.sender.send(
                message.body,
                exchange,
                routing_key,
                mandatory=True,
                content_type=message.content_type,
                content_encoding=message.content_encoding,
                delivery_mode=2,
                application_headers={**amqp.lasting(message.headers), **headers},
                **kept,
                **properties,
            )
        except NotSent as error:
            log.warning("not moved", to=exchange or routing_key, error=str(error))
            eventlet.sleep(REQUEUE_PAUSE_SECONDS)
            self._settle(message, otherwise)
        else:
            self._settle(message, message.ack)

    def _settle(self, message: Any, verdict: Callable[[], None]) -> None:
        # where its connection is gone or breaks just now, the message comes again over another one: the inbox
        # knows it, poison is refused then; an error raised here would end the process
        if message.channel.connection:
            with suppress(BrokerLost, OSError):
                verdict()
        self._at_hand.discard(message)

    def _on_unreadable(self, queue: Queue, message: Any, exc: Exception) -> None:
        # kombu's own would write the body to the log and acknowledge: the message would be lost
        self._at_hand.add(message)
        if queue.queue_arguments:  # type: ignore[attr-defined]
            # elsewhere, for this is where the connection's heartbeats are seen to
            self.container.spawn_managed_thread(partial(self.bury, message, queue.name, "not readable as JSON"))
        else:
            log.warning("rpc call not readable as JSON", queue=queue.name)
            self._settle(message, message.reject)

    def _cancel_consumers_if_requested(self) -> None:
        # where the connection is broken its consumers are gone already; nameko's own would raise here, forget who
        # waits for the cancellation, and never end
        leaving, self._pending_remove_providers = self._pending_remove_providers, {}
        for provider, removed in leaving.items():
            consumer = self._consumers.pop(provider)
            with suppress(BrokerLost, OSError), eventlet.Timeout(CANCEL_SECONDS, TimeoutError("no answer")):
                consumer.cancel()
            removed.send()

    def on_iteration(self) -> None:
        # nameko's own closes the connection while handlers still run, so that they could not acknowledge
        self._cancel_consumers_if_requested()
        if not self._consumers and not self._at_hand:
            self.should_stop = True
        # where a handler's acknowledgement found the connection broken, kombu makes a new one without our consumers
        # on it, and would listen to that for ever
        elif not (self._channel.connection and self._channel.connection.connected):
            raise RecoverableConnectionError("found broken by a handler")

    def on_connection_error(self, exc: Exception, interval: float) -> None:
        log.warning("broker away", error=repr(exc), seconds=interval)
        if self._pending_remove_providers:
            # told to stop: there is no connection on which a consumer would have to be cancelled
            leaving, self._pending_remove_providers = self._pending_remove_providers, {}
            for removed in leaving.values():
                removed.send()
            raise _Stopped

    @contextmanager
    def establish_connection(self) -> Iterator[Any]:
        connection = self.create_connection()
        try:
            connection.ensure_connection(
                self.on_connection_error,
                interval_start=1,
                interval_step=1,
                interval_max=LONGEST_RECONNECT_SECONDS,
            )
            yield connection
        except BaseException:
            # a proper end would wait for the answer of a broker that fell silent, for ever
            connection.collect()
            raise
        connection.release()


def _event_id(message: Any) -> str | None:
    try:
        return amqp.event_id(orjson.loads(message.body))
    except (ValueError, TypeError):
        return None
