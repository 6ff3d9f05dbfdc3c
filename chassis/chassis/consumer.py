"""The consumer process: nameko event handlers and RPC methods. The only module that knows nameko and eventlet.

A service's ``consumer.py`` is made of these:

    from chassis.consumer import event_handler, rpc, serve      # first import: it patches the standard library

    class Consumer:
        name = "review-service"
        inbox = service.inbox

        @event_handler("user-service", "user-deleted", UserDeleted)
        def user_deleted(self, event: UserDeleted, session: ClientSession) -> None: ...

        @rpc
        def export_user(self, user_id: str) -> dict: ...

    serve(Consumer, config)
"""

import eventlet

eventlet.monkey_patch()

import os  # noqa: E402  (everything after the patch sees the patched library)
import signal  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from contextlib import contextmanager, suppress  # noqa: E402
from functools import wraps  # noqa: E402
from typing import Any  # noqa: E402

import structlog  # noqa: E402
from amqp.exceptions import ConnectionError as BrokerLost  # noqa: E402
from kombu import Connection, Exchange, Queue  # noqa: E402
from kombu.exceptions import OperationalError  # noqa: E402
from nameko.messaging import Consumer as QueueEntrypoint  # noqa: E402
from nameko.messaging import QueueConsumer  # noqa: E402
from nameko.rpc import Rpc, RpcConsumer  # noqa: E402
from nameko.runners import ServiceRunner  # noqa: E402
from pydantic import BaseModel, ValidationError  # noqa: E402
from pymongo.client_session import ClientSession  # noqa: E402

from chassis import amqp, context  # noqa: E402
from chassis.config import DataConfig  # noqa: E402
from chassis.errors import AppError  # noqa: E402
from chassis.heartbeat import EVERY_SECONDS, Heartbeat  # noqa: E402
from chassis.mongo import UNAVAILABLE  # noqa: E402

log = structlog.get_logger(__name__)

PREFETCH = 4
"""Small: what is prefetched waits behind a slow handler, and a crash redelivers all of it (ADR 0004)."""

FAILOVER_SECONDS = 12.0
"""How long a handler waits for the database before it gives the message back: an election takes about 12 s."""

REQUEUE_PAUSE_SECONDS = 1.0

DYING_SECONDS = 5.0
"""For a process to end after a defect; then it is ended, so that its supervisor starts another."""

LONGEST_RECONNECT_SECONDS = 5
"""Between two attempts to reach the broker; kombu's own pause grows to 30 s."""


class Poison(Exception):
    """A message that no repetition can make good: it goes to the dead letters."""


Handler = Callable[[Any, Any, ClientSession], None]


class _Stopped(Exception):
    """Told to stop while the broker is away."""


class _Queues(QueueConsumer):
    """nameko's consumer of all queues of a process, made to lose nothing and to end when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self._at_hand: set[Any] = set()
        self._pending_remove_providers: dict[Any, Any] = {}

    def run(self, _tokens: int = 1, **options: Any) -> None:
        with suppress(_Stopped):
            super().run(_tokens, **options)

    def get_consumers(self, consumer_cls: Any, channel: Any) -> Any:
        # a new connection: what came over the one before is the broker's again
        self._at_hand.clear()
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

    def on_iteration(self) -> None:
        # nameko's own closes the connection while handlers still run, so that they could not acknowledge
        self._cancel_consumers_if_requested()
        if not self._consumers and not self._at_hand:
            self.should_stop = True

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
    queue_consumer = _Queues()

    def handle_result(self, message: Any, result: Any, exc_info: Any) -> Any:
        try:
            return super().handle_result(message, result, exc_info)
        except (BrokerLost, OperationalError, OSError) as error:
            # nameko would end the process; the caller has given up by the time that the broker is back
            log.warning("rpc reply lost", error=repr(error))
            self.queue_consumer.ack_message(message)
            return result, exc_info


class _Rpc(Rpc):
    rpc_consumer = _RpcConsumer()


class _EventQueue(QueueEntrypoint):
    """A nameko entrypoint on the service's own quorum queue: acknowledged after success, requeued on failure,
    dead-lettered if it is poison. (nameko's event_handler would acknowledge failures and use a classic queue.)
    """

    queue_consumer = _Queues()

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


def event_handler(source: str, kind: str, shape: type[BaseModel]) -> Callable[[Handler], Any]:
    """Consume events of type ``kind`` from ``source``; the method gets the data as a ``shape``, and a session.

    What it writes with the session and the inbox's record commit together. While the database fails over it
    is tried again for 12 s; a message that is not such an event goes to the dead letters.
    """

    def decorate(method: Handler) -> Any:
        @wraps(method)
        def handle(self: Any, message: Any) -> None:
            event_id, request_id, data = _read(message, source, kind, shape)
            with context.bound(request_id, event_id=event_id):
                fresh = _through_failover(lambda: self.inbox.once(event_id, lambda s: method(self, data, s)))
                log.info("handled" if fresh else "seen before", event_type=kind)

        handle.subscription = (source, kind)  # type: ignore[attr-defined]
        return _EventQueue.decorator(source, kind)(handle)

    return decorate


def rpc(method: Callable[..., Any]) -> Any:
    """Answer calls by ``chassis.rpc``; an AppError is an answer, anything else the caller hears as failed."""

    @wraps(method)
    def handle(self: Any, request_id: str | None = None, **arguments: Any) -> dict[str, Any]:
        with context.bound(request_id):
            began = time.perf_counter()
            try:
                answer = {"result": method(self, **arguments)}
            except AppError as error:
                answer = {
                    "refusal": {
                        "status": error.status,
                        "code": error.code,
                        "message": error.text,
                        "data": error.data,
                        "errors": error.errors,
                    }
                }
            log.info("rpc", method=method.__name__, ms=round((time.perf_counter() - began) * 1000, 1))
            return answer

    return _Rpc.decorator(handle)


def serve(consumer: type, config: DataConfig) -> None:
    """Consume until SIGTERM, then finish the messages at hand."""
    # kombu declares the event queues as it consumes; dead letters need their queue before the first is dropped
    with Connection(config.amqp_url) as connection:
        connection.ensure_connection(max_retries=30, interval_start=0.5, interval_step=0.5, interval_max=2)
        Queue(
            amqp.dead_letters(consumer.name),  # type: ignore[attr-defined]
            durable=True,
            queue_arguments=amqp.DEAD_LETTER_ARGUMENTS,
            no_declare=False,
        )(connection.default_channel).declare()
    runner = ServiceRunner({"AMQP_URI": config.amqp_url, "max_workers": PREFETCH, "HEARTBEAT": 10})
    runner.add_service(consumer)
    runner.start()
    log.info("consuming")
    # not in the handler itself: stopping waits for workers, which a signal handler may not
    signal.signal(signal.SIGTERM, lambda *_: eventlet.spawn_n(runner.stop))
    signal.signal(signal.SIGINT, lambda *_: eventlet.spawn_n(runner.stop))
    beating = eventlet.spawn(_beat, Heartbeat(config.heartbeat_file), runner)
    runner.wait()
    beating.kill()
    log.info("stopped")


def _beat(heartbeat: Heartbeat, runner: ServiceRunner) -> None:
    while not any(container._being_killed for container in runner.containers):
        heartbeat.beat()
        eventlet.sleep(EVERY_SECONDS)
    # a defect outside of a handler; where it hits two workers at once, nameko's end waits for itself for ever
    eventlet.sleep(DYING_SECONDS)
    log.critical("did not end by itself")
    os._exit(1)


def _read(message: Any, source: str, kind: str, shape: type[BaseModel]) -> tuple[str, str | None, Any]:
    if not isinstance(message, dict):
        raise Poison("not a JSON object")
    event_id = message.get("id")
    if not isinstance(event_id, str) or not 1 <= len(event_id) <= 255:
        raise Poison("no usable id")
    if (message.get("source"), message.get("type")) != (source, kind):
        raise Poison(f"not a {kind} from {source}")
    try:
        data = shape.model_validate(message.get("data"))
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, item["loc"])) for item in error.errors(include_input=False))
        raise Poison(f"data does not fit: {fields}") from None
    request_id = message.get("requestid")
    return event_id, request_id if isinstance(request_id, str) else None, data


def _through_failover(attempt: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + FAILOVER_SECONDS
    pause = 0.1
    while True:
        try:
            return attempt()
        except UNAVAILABLE:
            if time.monotonic() + pause > deadline:
                raise
            eventlet.sleep(pause)
            pause = min(pause * 2, 2.0)
