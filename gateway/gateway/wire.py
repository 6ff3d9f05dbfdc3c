"""HTTP/1.1 towards a service, one exchange at a time on a connection that is kept open.

What the standard library's client takes longest for, building requests and reading heads, is done here with one string
and with llhttp (the package httptools): 0.1 ms less for each request, which is what the gateway adds at all.
"""

import socket
import time
from collections.abc import Iterator

import httptools

from gateway.addresses import Address

Headers = list[tuple[str, str]]

_CONNECT_SECONDS = 2.0
_CHUNK = 64 * 1024
_LONGEST_HEAD = 64 * 1024


class NotHttp(Exception):
    """What came is not one HTTP/1.x response, whole and alone."""


class CutShort(Exception):
    """The connection ended before the whole of a response came."""


class Response:
    """A response as it comes in: httptools calls the methods whose names begin with ``on_``."""

    __slots__ = ("_begun", "_ended", "_head_size", "_parts", "_size", "headers", "is_headed", "status", "stays_open")

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.is_headed = False
        self.stays_open = False
        self._parts: list[bytes] = []
        self._size = 0
        self._head_size = 0
        self._begun = 0
        self._ended = False

    def on_message_begin(self) -> None:
        self._begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self.is_headed = True

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)

    def on_message_complete(self) -> None:
        self._ended = True

    @property
    def body(self) -> bytes:
        """What has come of it."""
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def read(self, sock: socket.socket, method: str, most: float) -> Iterator[bytes] | None:
        """Read it to its end, or until ``most`` bytes of its body have come: then an iterator of the rest.

        Both raise CutShort, NotHttp or OSError.
        """
        parser = httptools.HttpResponseParser(self)
        while not self._ended and self._size < most:
            self._receive(parser, sock, method)
        return None if self._ended else self._rest(parser, sock, method)

    def _rest(self, parser: httptools.HttpResponseParser, sock: socket.socket, method: str) -> Iterator[bytes]:
        while not self._ended:
            self._parts.clear()
            self._receive(parser, sock, method)
            if self._parts:
                yield self.body

    def _receive(self, parser: httptools.HttpResponseParser, sock: socket.socket, method: str) -> None:
        data = sock.recv(_CHUNK)
        if not data:
            self._end()
            return
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise NotHttp(str(error)) from None
        if self.is_headed and not self.status:
            self._read_head(parser, method)
        elif not self.is_headed:
            self._head_size += len(data)
        if self._begun > 1 or self._head_size > _LONGEST_HEAD:
            raise NotHttp("more than one response, or a head without end")
        if method == "HEAD" and self._parts:
            raise NotHttp("content after the answer to HEAD")

    def _read_head(self, parser: httptools.HttpResponseParser, method: str) -> None:
        self.status = parser.get_status_code()
        if self.status < 200:
            raise NotHttp(f"status {self.status} alone")
        closes = any(name.lower() == "connection" and value.lower() == "close" for name, value in self.headers)
        self.stays_open = parser.get_http_version() == "1.1" and not closes
        # the parser does not know what was asked, and waits for the content that its length tells of
        self._ended = self._ended or method == "HEAD"

    def _end(self) -> None:
        self.stays_open = False
        framed = any(name.lower() in ("content-length", "transfer-encoding") for name, _ in self.headers)
        if not self.is_headed or framed:
            raise CutShort
        self._ended = True


class Connection:
    """A connection to one address of a service."""

    def __init__(self, address: Address, host: str) -> None:
        self._address = address
        self._host = host
        self._socket: socket.socket | None = None
        self._idle_since = 0.0

    def send(self, method: str, target: str, headers: Headers, body: bytes) -> None:
        """Send a request, over a new connection if there is none yet. Raises OSError if not all of it went out."""
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
        head = f"{method} {target} HTTP/1.1\r\nHost: {self._host}\r\n{lines}\r\n"
        if head.count("\n") != len(headers) + 3 or head.count("\r") != len(headers) + 3 or " " in target:
            raise ValueError("a line of the head has a break in it")
        if self._socket is None:
            self._socket = socket.create_connection(self._address, _CONNECT_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self._socket.settimeout(_CONNECT_SECONDS)
        self._socket.sendall(head.encode("latin-1") + body)

    def receive(self, method: str, most: float) -> tuple[Response, Iterator[bytes] | None]:
        """The response to a request by this method, and the rest if it is longer than ``most`` (``Response.read``).

        There is no limit of time. Raises CutShort, NotHttp or OSError.
        """
        assert self._socket is not None, "nothing was asked"
        self._socket.settimeout(None)
        response = Response()
        return response, response.read(self._socket, method, most)

    def rest(self) -> None:
        """From now on it is idle."""
        self._idle_since = time.monotonic()

    def is_good_after(self, longest_idle: float) -> bool:
        """Whether it was idle for less than this, is still open, and holds no unasked-for bytes."""
        if self._socket is None or time.monotonic() - self._idle_since >= longest_idle:
            return False
        self._socket.settimeout(0)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
