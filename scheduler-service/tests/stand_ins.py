"""What stands in for others: a mail server that keeps what it gets, and a service that answers RPC calls."""

import json
import socketserver
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Event, Thread
from typing import Any

import pika

from chassis.clock import now
from chassis.rpc import CAUSED_BY
from scheduler_service.bootstrap import Built

RPC_EXCHANGE = "nameko-rpc"

Building = Callable[[dict[str, str]], AbstractContextManager[Built]]
"""The service as one process builds it from its environment, for the length of a block."""


@dataclass
class Clock:
    """The time that the service is built with: the real one, shifted, or one that stands still."""

    shift: timedelta = timedelta()
    stopped: datetime | None = None

    def __call__(self) -> datetime:
        return (self.stopped or now()) + self.shift


@dataclass
class Mailbox:
    """Every mail that was delivered; recipients that begin with ``bad`` are refused."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if address in mail["To"]]


class _SmtpHandler(socketserver.StreamRequestHandler):
    server: "_SmtpServer"

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            verb = line.partition(" ")[0].upper()
            if verb == "RCPT" and "<bad" in line:
                self._say("550 no such user: bad")
            elif verb == "DATA":
                self._say("354 go on")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                content = b"".join(line.removeprefix(b".") if line.startswith(b"..") else line for line in lines)
                self.server.mailbox.mails.append(message_from_bytes(content, policy=policy.default))  # type: ignore[arg-type]
                self._say("250 kept")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())


class _SmtpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    mailbox: Mailbox


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    with _SmtpServer(("127.0.0.1", 0), _SmtpHandler) as server:
        server.mailbox = Mailbox(server.server_address[1])
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.mailbox
        server.shutdown()


ICS = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:PUBLISH\r\nEND:VCALENDAR\r\n"


def appointment(status: str, version: int) -> dict[str, Any]:
    """What appointment-service tells of an appointment, as far as it is read here."""
    return {"status": status, "version": version, "ics": ICS}


class Refusal(Exception):
    """Raised by an answer: the service answers with an error of its own."""

    def __init__(self, status: int, code: str) -> None:
        self.status = status
        self.code = code


@dataclass
class Peer:
    """Another service, with the calls that it got."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def called(self, method: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == method]


@contextmanager
def peer(amqp_url: str, service: str, **answers: Callable[..., Any]) -> Iterator[Peer]:
    """A service of that name on the broker, in nameko's RPC protocol, for the length of the block."""
    here, listening, over = Peer(), Event(), Event()

    def answer(channel: Any, method: Any, properties: Any, body: bytes) -> None:
        name = method.routing_key.rpartition(".")[2]
        arguments = json.loads(body)["kwargs"]
        arguments.pop(CAUSED_BY)
        here.calls.append((name, arguments))
        try:
            result = {"result": answers[name](**arguments)}
        except Refusal as refusal:
            result = {"refusal": {"status": refusal.status, "code": refusal.code, "message": "No.", "data": None}}
        channel.basic_publish(
            RPC_EXCHANGE,
            properties.reply_to,
            json.dumps({"result": result, "error": None}).encode(),
            pika.BasicProperties(correlation_id=properties.correlation_id, content_type="application/json"),
        )

    def serve() -> None:
        with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
            channel = connection.channel()
            channel.exchange_declare(RPC_EXCHANGE, "topic", durable=True)
            queue = channel.queue_declare("", exclusive=True).method.queue
            channel.queue_bind(queue, RPC_EXCHANGE, f"{service}.*")
            channel.basic_consume(queue, answer, auto_ack=True)
            listening.set()
            while not over.is_set():
                connection.process_data_events(time_limit=0.05)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    assert listening.wait(10)
    try:
        yield here
    finally:
        over.set()
        thread.join()
