"""The broker as the gateway meets it: over a wire that can be cut, and with relays that the tests play."""

import socket
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pika
from stand_ins import free_port

from chassis import amqp
from chassis.clock import instant_text, now
from devkit.testing import example, publish


class Wire:
    """A way to the broker (``url``) that can be cut as its end would: connections end, new ones are refused."""

    def __init__(self, amqp_url: str) -> None:
        parts = urlsplit(amqp_url)
        self._target = (parts.hostname or "", parts.port or 5672)
        self._ends: list[socket.socket] = []
        self._port = free_port()
        self.url = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{self._port}").geturl()
        self.mend()

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._port))
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                self._ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


class Relays:
    """The relays of auth-service and user-service as the gateway hears them: ``pulsing`` says who pulses."""

    def __init__(self, amqp_url: str) -> None:
        self._url = amqp_url
        self._ending = Event()
        self._thread = Thread(target=self._pulse, daemon=True)
        self.pulsing = {"auth-service", "user-service"}

    def __enter__(self) -> "Relays":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def say(self, event: Any, *, source: str | None = None, kind: str | None = None) -> None:
        """Publish an event, or anything else; fails if no gateway listens."""
        publish(self._url, event, source=source, kind=kind)

    def revoke(self, *session_ids: str, until: datetime | None = None) -> None:
        end = instant_text(until or now() + timedelta(minutes=15))
        self.say(example("session-revoked", sessionIds=list(session_ids), until=end))

    def _pulse(self) -> None:
        with pika.BlockingConnection(pika.URLParameters(self._url)) as connection:
            channel = connection.channel()
            for source in self.pulsing:
                amqp.declare_source(channel, source, {})
            while not self._ending.wait(0.1):
                for source in set(self.pulsing):
                    channel.basic_publish(amqp.exchange(source), amqp.PULSE, b"{}")
                connection.process_data_events(0)
