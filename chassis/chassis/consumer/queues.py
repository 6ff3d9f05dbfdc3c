"""nameko's queue consumers, made to lose no message and to end when they are told to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import eventlet
import structlog
from amqp.exceptions import ConnectionError as BrokerLost
from amqp.exceptions import RecoverableConnectionError
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError
from nameko.messaging import Consumer as QueueEntrypoint
from nameko.messaging import QueueConsumer
from nameko.rpc import Rpc, RpcConsumer

from chassis import amqp

log = structlog.get_logger(__name__)

REQUEUE_PAUSE_SECONDS = 1.0

LONGEST_RECONNECT_SECONDS = 5
"""Between two attempts to reach the broker; kombu's own pause grows to 30 s."""


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

    def run(self, _tokens: int = 1, **options: Any) -> None:
        with suppress(_Stopped):
            super().run(_tokens, **options)

    def get_consumers(self, consumer_cls: Any, channel: Any) -> Any:
        # a new connection: what came over the one before is the broker's again
        self._at_hand.clear()
        self._channel = channel
        return super().get_consumers(consumer_cls, channel)

    def handle_message(self, provider: Any, body: Any, message: Any) -> None:
        self._at_hand.add(message)
        super().handle_message(provider, body, message)

    def ack_message(self, message: Any) -> None:
        self._settle(message, message.ack)

    def requeue_message(self, message: Any) -> None:
        self._settle(message, message.requeue)

    def refuse_message(self, message: Any) -> None:
        """Give it to the dead letters."""
        self._settle(message, message.reject)

    def _settle(self, message: Any, verdict: Callable[[], None]) -> None:
        # where its connection is gone or breaks just now, the message comes again over another one: the inbox
        # knows it, poison is refused then; an error raised here would end the process
        if message.channel.connection:
            with suppress(BrokerLost, OSError):
                verdict()
        self._at_hand.discard(message)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        # kombu's own would write the body to the log and acknowledge: the message would be lost
        log.error("dead-lettered", queue=message.delivery_info["routing_key"], reason="not readable as JSON")
        self.refuse_message(message)

    def _cancel_consumers_if_requested(self) -> None:
        # where the connection is broken its consumers are gone already; nameko's own would raise here, forget who
        # waits for the cancellation, and never end
        leaving, self._pending_remove_providers = self._pending_remove_providers, {}
        for provider, removed in leaving.items():
            consumer = self._consumers.pop(provider)
            with suppress(BrokerLost, OSError):
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
        with self.create_connection() as connection:
            connection.ensure_connection(
                self.on_connection_error,
                interval_start=1,
                interval_step=1,
                interval_max=LONGEST_RECONNECT_SECONDS,
            )
            yield connection


class _RpcConsumer(RpcConsumer):
    queue_consumer = Queues()

    def handle_result(self, message: Any, result: Any, exc_info: Any) -> Any:
        try:
            return super().handle_result(message, result, exc_info)
        except (BrokerLost, OperationalError, OSError) as error:
            # nameko would end the process; the caller has given up by the time that the broker is back
            log.warning("rpc reply lost", error=repr(error))
            self.queue_consumer.ack_message(message)
            return result, exc_info


class RpcEntrypoint(Rpc):
    rpc_consumer = _RpcConsumer()


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
            log.error("dead-lettered", queue=self.queue.name, reason=str(exc_info[1]))
            self.queue_consumer.refuse_message(message)
        else:
            log.error("handler failed, message requeued", queue=self.queue.name, exc_info=exc_info)
            # a failure that is not the database's absence is likely to fail again at once: do not spin
            eventlet.sleep(REQUEUE_PAUSE_SECONDS)
            self.queue_consumer.requeue_message(message)
