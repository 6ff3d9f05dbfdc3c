"""Calls to another service's consumer, in nameko's RPC protocol but over pika: nameko itself stays in chassis.consumer.

Only where an answer *now* is the point (see docs/architecture.md); each call opens a connection, which is a few
milliseconds that such a rare call can spend, and leaves nothing to keep alive or to share between greenlets.
"""

import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import cached_property
from threading import Thread
from typing import Any

import orjson
import pika
import structlog
from pika.exceptions import UnroutableError
from pydantic import TypeAdapter, ValidationError

from chassis import broker, tracing
from chassis.context import request_id
from chassis.errors import AppError, ServiceUnavailable
from chassis.schemas import as_read

log = structlog.get_logger(__name__)

_EXCHANGE = "nameko-rpc"
CAUSED_BY = "caused_by"
"""The argument that carries the request's id; no method may take one of that name for its own."""

TRACED_BY = "traced_by"
"""Likewise of the caller's span; on its way it is a header of the message, which a callee of before does not read."""


class Refused(AppError):
    """The other service answered with an error of its own, which passes on as it is."""

    def __init__(self, refusal: dict[str, Any]) -> None:
        super().__init__(refusal["message"], data=refusal.get("data"), errors=refusal.get("errors"))
        self.status = refusal["status"]
        self.code = refusal["code"]


class RpcClient:
    """Calls methods of other services' consumers."""

    def __init__(self, amqp_url: str) -> None:
        self._amqp_url = amqp_url

    def call(self, service: str, method: str, *, timeout: float = 5.0, **arguments: Any) -> Any:
        """The result of ``service.method(**arguments)``, JSON both ways.

        Raises Refused for the other side's own errors, and ServiceUnavailable if it does not answer within
        ``timeout`` seconds. A call that was not taken by then expires; one that was may still run: callees are
        idempotent.
        """
        with tracing.span(f"call {service}.{method}", "client"):
            return self._call(service, method, timeout, {**arguments, CAUSED_BY: request_id()})

    def _call(self, service: str, method: str, timeout: float, kwargs: dict[str, Any]) -> Any:
        answered: Future[dict[str, Any]] = Future()

        def ask() -> None:
            try:
                answered.set_result(self._exchange(service, method, timeout, kwargs))
            except BaseException as error:
                answered.set_exception(error)

        # a broker that falls silent half-way holds a connection for a dozen seconds, its closing too; not the caller
        Thread(target=copy_context().run, args=(ask,), name=f"rpc-{service}", daemon=True).start()
        try:
            answer = answered.result(timeout)
        except broker.AWAY as error:
            log.warning("rpc failed", called=f"{service}.{method}", error=repr(error))
            raise ServiceUnavailable from None
        if answer.get("error"):
            log.error("rpc raised", called=f"{service}.{method}", error=answer["error"].get("exc_type"))
            raise ServiceUnavailable
        if "refusal" in answer["result"]:
            raise Refused(answer["result"]["refusal"])
        return answer["result"]["result"]

    def _exchange(self, service: str, method: str, timeout: float, kwargs: dict[str, Any]) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        with pika.BlockingConnection(broker.bounded(self._amqp_url, timeout)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            channel.exchange_declare(_EXCHANGE, "topic", durable=True)
            replies = channel.queue_declare("", exclusive=True, auto_delete=True).method.queue
            channel.queue_bind(replies, _EXCHANGE, replies)
            call_id = uuid.uuid4().hex
            try:
                channel.basic_publish(
                    _EXCHANGE,
                    f"{service}.{method}",
                    orjson.dumps({"args": [], "kwargs": kwargs}),
                    pika.BasicProperties(
                        content_type="application/json",
                        content_encoding="utf-8",
                        headers={tracing.HEADER: traced_by} if (traced_by := tracing.traceparent()) else None,
                        correlation_id=call_id,
                        reply_to=replies,
                        expiration=str(int(timeout * 1000)),
                    ),
                    mandatory=True,
                )
            except UnroutableError:
                log.warning("rpc has no one to call", called=f"{service}.{method}")
                raise ServiceUnavailable from None
            left = max(0.05, deadline - time.monotonic())
            for _, properties, body in channel.consume(replies, auto_ack=True, inactivity_timeout=left):
                if body is not None and properties.correlation_id == call_id:
                    reply: dict[str, Any] = orjson.loads(body)
                    return reply
                if time.monotonic() >= deadline:
                    break
        log.warning("rpc timed out", called=f"{service}.{method}", seconds=timeout)
        raise ServiceUnavailable


@dataclass(frozen=True)
class Question:
    """What a service asks of another, said once: the contract's statement of a caller is made of these.

    ``arguments`` are the types of what is sent, by name; ``reads`` is the type of what is read of the answer.
    """

    service: str
    method: str
    arguments: Mapping[str, Any]
    reads: Any
    seconds: float = field(default=5.0, kw_only=True)

    @cached_property
    def _answer(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.reads)

    def ask(self, rpc: RpcClient, **arguments: Any) -> Any:
        """The answer as it came, but nothing of it that ``reads`` does not name.

        Raises what ``RpcClient.call`` does, and ServiceUnavailable where the answer is not of that type.
        """
        assert arguments.keys() == self.arguments.keys(), f"{self.method} is asked with {', '.join(self.arguments)}"
        answer = rpc.call(self.service, self.method, timeout=self.seconds, **arguments)
        try:
            self._answer.validate_python(answer)
        except ValidationError as error:
            # no values: they may be personal
            wrong = [".".join(map(str, item["loc"])) for item in error.errors(include_input=False)]
            log.error("rpc answer not understood", called=f"{self.service}.{self.method}", fields=wrong)
            raise ServiceUnavailable from None
        return as_read(answer, self.reads)
