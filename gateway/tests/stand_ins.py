"""What the tests start and ask: small services in place of the real ones, and a client that changes nothing."""

import http.client
import json
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
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
from devkit.ports import free_port
from devkit.testing import CONTRACTS, JWT_SECRET
from devkit.waiting import eventually

LONG = 1024 * 1024

FOLDER = Path(__file__).resolve().parents[1]


def bearer(user_id: str = "ann", lifetime: timedelta = timedelta(minutes=15), **more: Any) -> dict[str, str]:
    claims = {"sid": new_id(), "role": "patient", "name": "Ann Lee", "email": "ann@clinic.example", **more}
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
    """A service that answers by the last segment of the path, and remembers what it heard.

    Under /internal it tells of ``sessions`` and ``users`` that were revoked lately (its snapshots, seconds since
    1970), and that whatever is not ``over`` is live and active; while it is ``away`` it hangs up there.
    """

    port: int
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    closed: int = 0
    ending: Event = field(default_factory=Event)
    goes_on: Event = field(default_factory=Event)
    ready: bool = True
    sessions: dict[str, float] = field(default_factory=dict)
    users: dict[str, float] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    away: bool = False

    def internal(self, name: str) -> dict[str, Any]:
        snapshots = {"revocations": {"sessions": self.sessions}, "closures": {"users": self.users}}
        return snapshots.get(name, {"live": name not in self.over, "active": name not in self.over})

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
                service.ending.wait(20)
                return
            if name == "slow":
                service.ending.wait(20)
                return
            if service.away and request.target.startswith("/internal/"):
                return
            if name == "hang-up" or (name == "hang-up-if-used" and answered):
                return
            if name == "nonsense":
                self.wfile.write(b"220 mail.example ready\r\n\r\n")
                return
            if name.startswith("long"):
                self._answer_at_length(request, name)
                answered += 1
                continue
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

    def _answer_at_length(self, request: Heard, name: str) -> None:
        """1 MiB: in two halves, the second when the test says so; or with the connection's end in its place."""
        half = b"x" * (LONG // 2)
        if name == "long-chunked":
            chunk = b"%x\r\n%s\r\n" % (len(half), half)
            self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk + b"0\r\n\r\n")
            return
        then = b"Connection: close\r\n" if request.headers.get("Connection") == "close" else b""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (then, LONG, half))
        if name == "long-cut":
            self.connection.shutdown(socket.SHUT_RDWR)
        elif name == "long-in-halves":
            self.server.service.goes_on.wait(20)
        self.wfile.write(half)

    def _answer(self, request: Heard) -> None:
        data: dict[str, Any] = {"success": True, "message": "OK", "data": {"port": self.server.service.port}}
        if request.target.startswith("/internal/"):
            data = self.server.service.internal(request.target.rpartition("/")[2])
        content = json.dumps(data).encode()
        head = [
            "HTTP/1.1 200 OK",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
            'ETag: "7"',
            "Idempotency-Replayed: true",
            "X-Internal: not for clients",
            "Set-Cookie: a=b",
            "Server: something",
            *(["Connection: close"] if request.headers.get("Connection") == "close" else []),
        ]
        answer = ("\r\n".join(head) + "\r\n\r\n").encode()
        self.wfile.write(answer if request.method == "HEAD" else answer + content)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    # of connections not yet accepted: a burst must not wait for the kernel to try again
    request_queue_size = 1024
    daemon_threads = True
    block_on_close = False
    service: Service

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.service.closed += 1


@contextmanager
def serving(port: int = 0) -> Iterator[Service]:
    with _Server(("127.0.0.1", port), _Handler) as server:
        server.service = Service(server.server_address[1])
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.service
        server.service.ending.set()
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
    process: "subprocess.Popen[bytes]"

    def workers(self) -> list[int]:
        """The processes that serve."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def ask_each_worker(self, target: str, headers: dict[str, str]) -> set[str]:
        """The codes that the workers answer with, each asked while the others stand still ("" for a success)."""
        codes = set()
        for worker in self.workers():
            others = [pid for pid in self.workers() if pid != worker]
            for pid in others:
                os.kill(pid, signal.SIGSTOP)
            try:
                codes.add(self.ask("GET", target, headers).json.get("code", ""))
            finally:
                for pid in others:
                    os.kill(pid, signal.SIGCONT)
        return codes

    def ask(
        self,
        method: str,
        target: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        address: str = "127.0.0.1",
    ) -> Answer:
        """What it answers to a request from this address."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20, source_address=(address, 0))
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


@contextmanager
def started(folder: Path, routes: dict[str, list[tuple[str, str, str]]], **env: str) -> Iterator[Gateway]:
    """A gateway under gunicorn, from when it answers until the end of the block; its log is printed then."""
    (folder / "routes").mkdir()
    for service, declared in routes.items():
        entries = [{"method": method, "path": path, "access": access} for method, path, access in declared]
        (folder / "routes" / f"{service}.json").write_text(json.dumps(entries))
    shutil.copy(CONTRACTS / "broadcasts.json", folder)
    shutil.copytree(CONTRACTS / "openapi", folder / "openapi")
    port, log = free_port(), folder / "log"
    variables = {"PORT": str(port), "JWT_SECRET": JWT_SECRET, "CONTRACTS_DIR": str(folder), **env}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "gateway.wsgi:app"],
            cwd=FOLDER,
            env={**os.environ, "UPSTREAM_TIMEOUT_SECONDS": "1", **variables},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    gateway = Gateway(port, log, process)

    def alive() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return gateway.ask("GET", "/health/live").status == 200
        except OSError:
            return False

    try:
        eventually(alive, timeout=30)
        yield gateway
    finally:
        process.terminate()
        process.wait(40)
        print(log.read_text())
