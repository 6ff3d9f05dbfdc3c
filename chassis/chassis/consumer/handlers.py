"""What a service's consumer class is made of: event handlers and RPC methods."""

import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import eventlet
import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from chassis import context, metrics, tracing
from chassis.consumer.entrypoints import EventQueue, RpcEntrypoint
from chassis.consumer.queues import Poison
from chassis.errors import AppError
from chassis.mongo import is_away
from chassis.rpc import CAUSED_BY, TRACED_BY

log = structlog.get_logger(__name__)

FAILOVER_SECONDS = 12.0
"""How long a handler waits for the database before it gives the message back: an election takes about 12 s."""

Handler = Callable[[Any, Any, ClientSession], None]


def event_handler(source: str, kind: str, shape: type[BaseModel]) -> Callable[[Handler], Any]:
    """Consume events of type ``kind`` from ``source``; the method gets the data as a ``shape``, and a session.

    What it writes with the session and the inbox's record commit together. While the database fails over it
    is tried again for 12 s; a message that is not such an event goes to the dead letters.
    """

    def decorate(method: Handler) -> Any:
        @wraps(method)
        def handle(self: Any, message: Any) -> None:
            began, outcome = time.perf_counter(), "failed"
            try:
                event_id, request_id, data = _read(message, source, kind, shape)
                with (
                    context.bound(request_id, event_id=event_id),
                    tracing.span(f"handle {kind}", "consumer", message.get(tracing.HEADER)),
                ):
                    fresh = _through_failover(lambda: self.inbox.once(event_id, lambda s: method(self, data, s)))
                    log.info("handled" if fresh else "seen before", event_type=kind)
                    outcome = "handled" if fresh else "seen_before"
            except Poison:
                outcome = "refused"
                raise
            except PyMongoError as error:
                outcome = "given_back" if is_away(error) else "failed"
                raise
            finally:
                made_at = message.get("time") if isinstance(message, dict) else None
                metrics.handled(source, kind, outcome, time.perf_counter() - began, made_at)

        return EventQueue.decorator(source, kind)(handle)

    return decorate


def rpc(promised: Any) -> Callable[[Callable[..., Any]], Any]:
    """Answer calls by ``chassis.rpc`` with what is of the ``promised`` type, which is told in contracts/.

    An AppError is an answer; anything else, another answer than promised too, the caller hears as failed.
    """
    adapter = TypeAdapter[Any](promised)

    def decorate(method: Callable[..., Any]) -> Any:
        @wraps(method)
        def handle(self: Any, **arguments: Any) -> dict[str, Any]:
            traced_by = arguments.pop(TRACED_BY, None)
            with (
                context.bound(arguments.pop(CAUSED_BY, None)),
                tracing.span(f"rpc {method.__name__}", "server", traced_by),
            ):
                began, outcome = time.perf_counter(), "failed"
                try:
                    with self.inbox.database.steady():
                        result = method(self, **arguments)
                    adapter.validate_python(result)
                    answer, outcome = {"result": result}, "answered"
                except AppError as error:
                    outcome = "refused"
                    answer = {
                        "refusal": {
                            "status": error.status,
                            "code": error.code,
                            "message": error.text,
                            "data": error.data,
                            "errors": error.errors,
                        }
                    }
                finally:
                    seconds = time.perf_counter() - began
                    metrics.RPC.labels(method.__name__, outcome).inc()
                    metrics.RPC_DURATION.labels(method.__name__).observe(seconds)
                log.info("rpc", method=method.__name__, ms=round(seconds * 1000, 1))
                return answer

        return RpcEntrypoint.decorator(handle)

    return decorate


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
        fields = ", ".join(".".join(map(_field, item["loc"])) for item in error.errors(include_input=False))
        raise Poison(f"data does not fit: {fields}"[:300]) from None
    request_id = message.get("requestid")
    return event_id, request_id if isinstance(request_id, str) else None, data


def _field(name: object) -> str:
    # a key of a mapping may be anything that somebody wrote
    return str(name) if re.fullmatch(r"\w{1,40}", str(name), re.ASCII) else "?"


def _through_failover(attempt: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + FAILOVER_SECONDS
    pause = 0.1
    while True:
        try:
            return attempt()
        except PyMongoError as error:
            if not is_away(error) or time.monotonic() + pause > deadline:
                raise
            eventlet.sleep(pause)
            pause = min(pause * 2, 2.0)
