"""The consumer: what an event's handler does is told by the event."""

# isort: off
from chassis.consumer import event_handler, rpc, serve
# isort: on

import os
import socket
import time
from collections.abc import Callable
from typing import Any

import eventlet
from kombu import Message
from nameko.containers import ServiceContainer
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from chassis import context, telemetry
from chassis.config import DataConfig
from chassis.consumer import entrypoints, process
from chassis.consumer.sender import NotSent, Sender
from chassis.errors import Conflict
from chassis.inbox import Inbox
from chassis.mongo import Database
from chassis.rpc import RpcClient
from chassis.schemas import EventData, Shape
from thing_service import NAME, SOURCE

config = DataConfig.read_or_exit()
telemetry.begin(config, NAME, "consumer")
database = Database(config.mongodb_uri, NAME)


class Made(EventData):
    thing_id: str
    seconds: float = 0
    failures: int = 0
    away: int = 0


class Described(Shape):
    name: str
    size: int


class TooMany(Conflict):
    code, message = "TOO_MANY", "That is too many."


class Consumer:
    name = NAME
    inbox = Inbox(database)

    @event_handler(SOURCE, "made", Made)
    def made(self, event: Made, session: ClientSession) -> None:
        tried = database["attempts"].find_one_and_update(
            {"_id": event.thing_id}, {"$inc": {"count": 1}}, upsert=True, return_document=True
        )
        if event.seconds and tried["count"] == 1:
            time.sleep(event.seconds)
        if tried["count"] <= event.away:
            raise OperationFailure("this member is no longer primary", 10107)
        if tried["count"] <= event.failures:
            raise LookupError("not yet")
        database["effects"].update_one({"_id": event.thing_id}, {"$inc": {"count": 1}}, upsert=True, session=session)

    @rpc(int)
    def add(self, a: int, b: int) -> int:
        return a + b

    @rpc(Described)
    def describe(self, size: Any) -> dict[str, Any]:
        return {"name": "a thing", "size": size}

    @rpc(None)
    def refuse(self) -> None:
        raise TooMany(data={"most": 3}, errors=[{"field": "a", "message": "is too many"}])

    @rpc(None)
    def explode(self) -> None:
        raise LookupError("canary")

    @rpc(Any)
    def odd(self) -> Any:
        return object()

    @rpc(None)
    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    @rpc(str | None)
    def request_id(self) -> str | None:
        return context.request_id()

    @rpc(str)
    def echo(self, request_id: str) -> str:
        return request_id

    @rpc(int)
    def ask_another(self) -> Any:
        return RpcClient(config.amqp_url).call(NAME, "add", a=1, b=2)


def breaking(*_: Any) -> None:
    raise LookupError("a defect outside of a handler")


def waiting_for_ever(*_: Any) -> None:
    time.sleep(3600)


def breaking_the_first(acknowledge: Callable[[Message], None]) -> Callable[[Message], None]:
    broken: list[Message] = []

    def verdict(message: Message) -> None:
        if broken:
            return acknowledge(message)
        broken.append(message)
        transport = message.channel.connection.transport
        # what the library does when it cannot write; the broker gives the message to others a little later
        transport.connected = False
        eventlet.spawn_after(3, transport.sock.shutdown, socket.SHUT_RDWR)
        raise BrokenPipeError

    return verdict


def not_sending(*_: Any, **__: Any) -> None:
    raise NotSent


if __name__ == "__main__":
    process.HEARTBEAT_SECONDS = int(os.environ.get("HEARTBEAT_SECONDS", process.HEARTBEAT_SECONDS))
    process.DYING_SECONDS = 1.0
    broken = os.environ.get("BREAK")
    if broken in ("outside", "outside and its end"):
        entrypoints.EventQueue.handle_message_processed = breaking  # type: ignore[method-assign]
    if broken == "outside and its end":
        # as nameko's does where two workers die at once
        ServiceContainer._kill_worker_threads = waiting_for_ever
    if broken == "sending":
        Sender.send = not_sending  # type: ignore[method-assign]
    if broken == "acknowledging":
        Message.ack = breaking_the_first(Message.ack)
    serve(Consumer, config)
