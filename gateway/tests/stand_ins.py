"""What the tests start and ask: small services in place of the real ones, and a client that changes nothing."""

import http.client
import json
import socket
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

from chassis.clock import new_id
from chassis.keys import secret_key
from chassis.tokens import TokenIssuer

JWT_SECRET = "Kq7!only-for-tests-0f4b9c2e8d1a6357"


def bearer(user_id: str = "ann", lifetime: timedelta = timedelta(minutes=15)) -> dict[str, str]:
    claims = {"sid": new_id(), "role": "patient", "name": "Ann Lee", "email": "ann@clinic.example"}
    return {"Authorization": f"Bearer {TokenIssuer(secret_key(JWT_SECRET)).issue(user_id, claims, lifetime)}"}


@dataclass
class Heard:
    """A request as a service got it, and on which of its connections."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class Service:
    """A service that answers by the last segment of the path, and remembers what it heard."""

    port: int
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    over: Event = field(default_factory=Event)
    ready: bool = True

    def heard_at(self, target: str) -> list[Heard]:
        return [request for request in self.heard if request.target == target]


class _Handler(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        service = self.server.service
        service.connections += 1
        number, answered = service.connections, 0
        while request := self._read(number):
            service.heard.append(request)
            name = request.target.partition("?")[0].rpartition("/")[2]
            if name == "ready" and not service.ready:
                service.over.wait(20)
                return
            if name == "slow":
                service.over.wait(20)
                return
            if name == "hang-up" or (name == "hang-up-if-used" and answered):
                return
            if name == "nonsense":
                self.wfile.write(b"220 mail.example ready\r\n\r\n")
                return
            if name == "cut":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
                return
            self._answer(request)
            answered += 1
            if name == "close-after":
                return

    def _read(self, number: int) -> Heard | None:
        method, _, rest = self.rfile.readline().decode().partition(" ")
        if not method:
            return None
        headers = {}
        while line := self.rfile.readline().decode("latin-1").strip():
            key, _, value = line.partition(":")
            headers[key] = value.strip()
        body = self.rfile.read(int(headers.get("Content-Length", 0)))
        return Heard(method, rest.rpartition(" ")[0], headers, body, number)

    def _answer(self, request: Heard) -> None:
        content = json.dumps({"success": True, "message": "OK", "data": {"port": self.server.service.port}}).encode()
        head = [
            "HTTP/1.1 200 OK",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
            'ETag: "7"',
            "Idempotency-Replayed: true",
            "X-Internal: not for clients",
            "Set-Cookie: a=b",
            "Server: something",
        ]
        answer = ("\r\n".join(head) + "\r\n\r\n").encode()
        self.wfile.write(answer if request.method == "HEAD" else answer + content)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    service: Service


@contextmanager
def serving() -> Iterator[Service]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.service = Service(server.server_address[1])
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.service
        server.service.over.set()
        server.shutdown()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


@dataclass(frozen=True)
class Gateway:
    port: int
    log: Path

    def ask(self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
