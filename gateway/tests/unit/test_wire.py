"""What a service may say, in one piece and byte by byte, and what is sent to it."""

import socket
from collections.abc import Iterator

import pytest

from gateway.wire import Connection, CutShort, NotHttp, Response

PLAIN = b'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nETag: "7"\r\n\r\nabc'


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        yield ours, theirs


def read(
    ends: tuple[socket.socket, socket.socket], *parts: bytes, method: str = "GET", ends_then: bool = True
) -> Response:
    """The response that these parts make, each received by itself."""
    ours, theirs = ends

    waiting = list(parts)

    class InParts:
        def recv(self, size: int) -> bytes:
            return waiting.pop(0) if waiting else ours.recv(size)

    if ends_then:
        theirs.shutdown(socket.SHUT_WR)
    response = Response()
    assert response.read(InParts(), method, float("inf")) is None  # type: ignore[arg-type]
    return response


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("raw", "method", "told"),
    [
        (PLAIN, "GET", (200, b"abc", True)),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            "GET",
            (200, b"abcde", True),
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "DELETE", (204, b"", True)),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", "GET", (304, b"", True)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD", (200, b"", True)),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\na", "GET", (200, b"a", False)),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", "GET", (200, b"a", False)),
    ],
)
def test_a_response_is_read_to_its_end_and_no_further(
    ends: tuple[socket.socket, socket.socket], raw: bytes, method: str, told: tuple[int, bytes, bool], whole: bool
) -> None:
    parts = [raw] if whole else [bytes([byte]) for byte in raw]
    response = read(ends, *parts, method=method, ends_then=False)
    assert (response.status, response.body, response.stays_open) == told


def test_a_body_without_a_length_ends_with_the_connection(ends: tuple[socket.socket, socket.socket]) -> None:
    response = read(ends, b"HTTP/1.1 200 OK\r\n\r\nab", b"c")
    assert (response.status, response.body, response.stays_open) == (200, b"abc", False)


def test_headers_are_told_as_they_came(ends: tuple[socket.socket, socket.socket]) -> None:
    raw = b"HTTP/1.1 200 OK\r\nX-A: \xe9 b \r\nAllow: GET\r\nAllow: PUT\r\nContent-Length: 0\r\n\r\n"
    told = [("X-A", "\xe9 b"), ("Allow", "GET"), ("Allow", "PUT"), ("Content-Length", "0")]
    assert [(name, value.rstrip()) for name, value in read(ends, raw).headers] == told


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        PLAIN[:-1],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
def test_what_ends_too_soon_is_told_from_nonsense(ends: tuple[socket.socket, socket.socket], raw: bytes) -> None:
    with pytest.raises(CutShort):
        read(ends, *([raw] if raw else []))


@pytest.mark.parametrize(
    "raw",
    [
        b"220 mail.example ready\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        PLAIN + b"x",
        PLAIN + PLAIN,
        b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 10_000,
    ],
)
def test_what_is_not_one_response_is_none(ends: tuple[socket.socket, socket.socket], raw: bytes) -> None:
    with pytest.raises(NotHttp):
        read(ends, raw, ends_then=False)


def test_an_answer_to_head_has_no_content(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(NotHttp):
        read(ends, PLAIN, method="HEAD", ends_then=False)


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/x HTTP/1.1\r\nX-User: eve", []),
        ("/x y", []),
        ("/x", [("Accept", "a\r\nX-User: eve")]),
        ("/x", [("Accept", "a\nb")]),
        ("/x", [("Accept\r", "a")]),
    ],
)
def test_nothing_is_sent_that_has_more_lines_than_it_should(target: str, headers: list[tuple[str, str]]) -> None:
    with pytest.raises(ValueError, match="break"):
        Connection(("127.0.0.1", 1), "thing-service").send("GET", target, headers, b"")
