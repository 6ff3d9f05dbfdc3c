"""The worker of every web process: gunicorn's gevent worker, with an end that loses no request.

gunicorn's own waits on SIGTERM for connections that are merely kept open, until it is killed; and what was connected
but not yet taken as its listener closes is reset. This one takes what is there, closes the listener, answers whatever
still comes on a kept connection with ``Connection: close``, and lets a connection go that stays silent (ADR 0027).
"""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.workers.ggevent import GeventWorker

from chassis.errors import InternalError
from chassis.unreadable import answer_to, refuse

SILENCE_SECONDS = 1.0
"""From SIGTERM on: who kept a connection open and means to use it again has sent the next request by then."""

ORDERLY_SECONDS = 2.0
"""What the worker keeps of gunicorn's graceful_timeout to end what is not done, before it is killed itself."""

LINGER_SECONDS = 1.0
"""How long somebody who sent what is no request may take to read the answer."""

SERVING, ENDING = "web", "web-ending"
"""What the process is called (``ps -o comm``) from when it can answer, and from SIGTERM on."""


class DrainingWorker(GeventWorker):
    """Serves until SIGTERM; then finishes what it took on, and is gone within ``graceful_timeout``."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._clients: dict[gevent.Greenlet, socket.socket] = {}
        self._silent_since: dict[socket.socket, float] = {}

    def handle(self, listener: Any, client: socket.socket, addr: Any) -> None:
        """Serve one connection to its end."""
        own = gevent.getcurrent()
        self._clients[own] = client
        try:
            super().handle(listener, client, addr)
        finally:
            del self._clients[own]

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Around the wait for a connection's next request."""
        client = self._clients[gevent.getcurrent()]
        self._silent_since[client] = time.monotonic()
        try:
            with gevent.Timeout(self.cfg.keepalive, False):
                yield
        finally:
            del self._silent_since[client]

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer what could not be read as a request; a defect of ours is logged with its trace."""
        error = answer_to(exc)
        if isinstance(error, InternalError):
            self.log.exception("Error on a connection")
        else:
            self.log.warning("Not a request: %s", type(exc).__name__)
        with suppress(OSError), gevent.Timeout(LINGER_SECONDS, False):
            refuse(client, error)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM. Who has not begun to serve, and may be waiting for the database, has taken on nothing yet."""
        # first, for C code that runs as the app is loaded may lose the exit below: then it ends once it is loaded
        super().handle_exit(sig, frame)
        if not self.booted:
            sys.exit(0)

    def run(self) -> None:
        """Serve; gunicorn calls it when the app is loaded, and ends the process after it."""
        # not above: gunicorn's main process, which imports this, counts nothing
        from prometheus_client import Gauge

        workers = Gauge("http_workers", "Workers of this web process that serve.", multiprocess_mode="livesum")
        servers = [self._serve(listener) for listener in self.sockets]
        _be_called(SERVING)
        workers.set(1)
        while self.alive:
            self.notify()
            gevent.sleep(0.25)
        _be_called(ENDING)
        workers.set(0)
        for server in servers:
            self._take_the_last(server)
            server.close()
        self._drain(servers)

    def _serve(self, listener: Any) -> StreamServer:
        listener.setblocking(1)
        # gunicorn asks the listener for its address with each connection, also with those begun after it was closed
        address = listener.getsockname()
        known = SimpleNamespace(getsockname=lambda: address)
        server = StreamServer(listener, handle=partial(self.handle, known), spawn=Pool(self.worker_connections))
        if self.cfg.workers > 1:
            # a worker that is free takes the next
            server.max_accept = 1
        server.start()
        return server

    def _take_the_last(self, server: StreamServer) -> None:
        """Accept what the kernel accepted for us: as the last listener closes it would be reset."""
        server.stop_accepting()
        with suppress(OSError):
            while not server.full() and (accepted := server.do_read()):
                server.do_handle(*accepted)

    def _drain(self, servers: list[StreamServer]) -> None:
        began = time.monotonic()
        until = began + self.cfg.graceful_timeout - ORDERLY_SECONDS
        while any(len(server.pool) for server in servers):
            if time.monotonic() > until:
                self.log.warning("Requests cut off: they outlast the graceful timeout (pid:%s)", self.pid)
                for server in servers:
                    server.stop(timeout=0)
                return
            self.notify()
            self._hang_up_on_the_silent(began)
            gevent.sleep(0.05)

    def _hang_up_on_the_silent(self, began: float) -> None:
        for client, since in list(self._silent_since.items()):
            if time.monotonic() - max(began, since) > SILENCE_SECONDS:
                # only the reading half: a request that has arrived by now is still read, and answered; and over a
                # copy, for gevent lets whoever reads from what it shuts down itself fail at once
                with suppress(OSError), client.dup() as copy:
                    copy.shutdown(socket.SHUT_RD)


def _be_called(name: str) -> None:
    # for people who look, and for `make restart`, which must know that a new worker serves before an old one goes
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name)
