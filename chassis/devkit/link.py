"""A way to the broker that a test can break."""

import socket
from contextlib import suppress
from threading import Event, Thread
from urllib.parse import urlsplit


class Link:
    """A TCP connection to the broker, at ``url``: it can be cut, closed, or made to fall silent."""

    def __init__(self, amqp_url: str) -> None:
        parts = urlsplit(amqp_url)
        self._target = (parts.hostname or "", parts.port or 5672)
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._flowing = Event()
        self._flowing.set()
        self._hung: set[socket.socket] = set()
        self._closed = Event()
        self._port = 0
        self.up()
        login = parts.netloc.rpartition("@")[0]
        self.url = parts._replace(netloc=f"{login}@127.0.0.1:{self._port}").geturl()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                self._pairs.append((near, far))
                for source, sink in ((near, far), (far, near)):
                    Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait()
                if source in self._hung:
                    self._closed.wait()
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """End every connection, as a broker that restarts does."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def down(self) -> None:
        """The broker is away: connections end, and new ones are refused."""
        with suppress(OSError):
            # wakes who waits in accept, which closing alone would not
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def up(self) -> None:
        """The broker is there, at the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def freeze(self) -> None:
        """The broker says nothing more, and does not end its connections either."""
        self._flowing.clear()

    def thaw(self) -> None:
        self._flowing.set()

    def hang(self) -> None:
        """Each connection that is there now falls silent for good, as if its other end had vanished; new ones work."""
        self._hung.update(end for pair in self._pairs for end in pair)

    def close(self) -> None:
        self._closed.set()
        self.thaw()
        self.down()
