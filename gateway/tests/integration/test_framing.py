"""Bytes that no client library sends: what can be read in two ways is refused, and nothing of it is forwarded."""

import json
import socket

import pytest
from stand_ins import Gateway, Service, bearer

from devkit.waiting import eventually

POST = b"POST /api/v1/open/framing HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /api/v1/open/framing HTTP/1.1\r\nHost: x\r\n"
SMUGGLED = b"GET /api/v1/open/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def send(gateway: Gateway, raw: bytes, *, more: bytes = b"") -> bytes:
    """All that comes back until the gateway hangs up."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as client:
        client.sendall(raw + more)
        client.shutdown(socket.SHUT_WR)
        heard = b""
        while part := client.recv(65536):
            heard += part
        return heard


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        pytest.param(
            POST + CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n", 400, "MALFORMED_REQUEST", id="length and chunks"
        ),
        pytest.param(
            POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", 400, "MALFORMED_REQUEST", id="two lengths"
        ),
        pytest.param(
            POST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400, "MALFORMED_REQUEST", id="a length twice"
        ),
        pytest.param(POST + b"Content-Length: 4, 4\r\n\r\nabcd", 400, "MALFORMED_REQUEST", id="a list of lengths"),
        pytest.param(POST + b"Content-Length: +4\r\n\r\nabcd", 400, "MALFORMED_REQUEST", id="a length with a sign"),
        pytest.param(POST + b"Content-Length: -4\r\n\r\nabcd", 400, "MALFORMED_REQUEST", id="a negative length"),
        pytest.param(POST + b"Content-Length: 0x4\r\n\r\nabcd", 400, "MALFORMED_REQUEST", id="a length in hexadecimal"),
        pytest.param(
            POST + b"Content-Length: \xd9\xa4\r\n\r\nabcd", 400, "MALFORMED_REQUEST", id="a length in other digits"
        ),
        pytest.param(
            POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, "MALFORMED_REQUEST", id="an unknown coding"
        ),
        pytest.param(
            POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, "MALFORMED_REQUEST", id="chunked twice"
        ),
        pytest.param(
            POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, "MALFORMED_REQUEST", id="two codings"
        ),
        pytest.param(
            POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
            400,
            "MALFORMED_REQUEST",
            id="a coding after a blank",
        ),
        pytest.param(
            POST + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
            400,
            "MALFORMED_REQUEST",
            id="two coding headers",
        ),
        pytest.param(
            POST.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n0\r\n\r\n", 400, "MALFORMED_REQUEST", id="chunks in HTTP/1.0"
        ),
        pytest.param(
            POST + CHUNKED + b"\r\n0x4\r\nabcd\r\n0\r\n\r\n", 400, "MALFORMED_REQUEST", id="an odd chunk size"
        ),
        pytest.param(
            POST + CHUNKED + b"\r\n-4\r\nabcd\r\n0\r\n\r\n", 400, "MALFORMED_REQUEST", id="a negative chunk size"
        ),
        pytest.param(
            POST + CHUNKED + b"\r\n4\r\nabcdXX0\r\n\r\n", 400, "MALFORMED_REQUEST", id="a chunk longer than its size"
        ),
        pytest.param(
            GET.replace(b"Host:", b"Host :") + b"\r\n", 400, "MALFORMED_REQUEST", id="a blank before the colon"
        ),
        pytest.param(GET + b"X-A: a\r\n b\r\n\r\n", 400, "MALFORMED_REQUEST", id="a folded header"),
        pytest.param(GET + b"X-A: a\nX-User-Id: root\r\n\r\n", 400, "MALFORMED_REQUEST", id="a bare LF in a header"),
        pytest.param(GET + b"X-A: a\rX-User-Id: root\r\n\r\n", 400, "MALFORMED_REQUEST", id="a bare CR in a header"),
        pytest.param(GET.replace(b"\r\n", b"\n") + b"\n", 400, "MALFORMED_REQUEST", id="lines that end in LF alone"),
        pytest.param(GET + b"X-A: a\0b\r\n\r\n", 400, "MALFORMED_REQUEST", id="a NUL"),
        pytest.param(GET + b"Host: y\r\n\r\n", 400, "MALFORMED_REQUEST", id="two hosts"),
        pytest.param(b"GET /api/v1/open/framing HTTP/1.1\r\n\r\n", 400, "MALFORMED_REQUEST", id="no host"),
        pytest.param(b"GET /api/v1/open/framing\r\n\r\n", 400, "MALFORMED_REQUEST", id="HTTP/0.9"),
        pytest.param(GET.replace(b"1.1", b"2.0") + b"\r\n", 400, "MALFORMED_REQUEST", id="HTTP/2 in words"),
        pytest.param(GET.replace(b"1.1", b"1.9") + b"\r\n", 400, "MALFORMED_REQUEST", id="a version that is none"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "MALFORMED_REQUEST", id="the preface of HTTP/2"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\xfc\x03\x03\r\n\r\n", 400, "MALFORMED_REQUEST", id="a TLS handshake"),
        pytest.param(
            GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 400, "MALFORMED_REQUEST", id="a WebSocket"
        ),
        pytest.param(GET + b"Expect: 200-ok\r\n\r\n", 400, "MALFORMED_REQUEST", id="an odd expectation"),
        pytest.param(GET.replace(b"framing", b"a" * 9000) + b"\r\n", 414, "URI_TOO_LONG", id="a long address"),
        pytest.param(GET + b"X-A: " + b"a" * 9000 + b"\r\n\r\n", 431, "HEADERS_TOO_LARGE", id="a long header"),
        pytest.param(GET + b"X-A: a\r\n" * 150 + b"\r\n", 431, "HEADERS_TOO_LARGE", id="many headers"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_and_ends_the_connection(
    gateway: Gateway, users: Service, raw: bytes, status: int, code: str
) -> None:
    before = len(users.heard)
    heard = send(gateway, raw)
    head, _, body = heard.partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status
    assert json.loads(body)["code"] == code
    assert json.loads(body)["requestId"]
    assert heard.count(b"HTTP/1.") == 1
    assert len(users.heard) == before


@pytest.mark.parametrize(
    "raw",
    [
        POST + CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n",
        POST + CHUNKED + b"\r\nfffffffff0\r\n",
        POST + b"Content-Length: 0, 40\r\n\r\n",
        GET + b"Content_Length: 0\r\nTransfer_Encoding: chunked\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED),
    ],
)
def test_no_second_request_hides_in_the_first(gateway: Gateway, users: Service, raw: bytes) -> None:
    send(gateway, raw, more=SMUGGLED)
    assert not users.heard_at("/api/v1/open/smuggled")


def test_what_a_client_sent_that_was_no_request_is_not_in_the_log(gateway: Gateway) -> None:
    token = bearer()["Authorization"]
    send(gateway, GET + f"Authorization: {token}\rX: y\r\n\r\n".encode())
    eventually(lambda: "Not a request" in gateway.log.read_text())
    assert token[7:40] not in gateway.log.read_text()


def test_an_offer_of_http_2_is_passed_over(gateway: Gateway, users: Service) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    assert send(gateway, GET + offer).startswith(b"HTTP/1.1 200 ")
    assert set(users.heard_at("/api/v1/open/framing")[-1].headers) == {"Host", "X-Forwarded-For", "X-Request-Id"}


def test_a_request_with_scheme_and_host_goes_where_its_path_says(gateway: Gateway, users: Service) -> None:
    absolute = b"GET http://evil.example/api/v1/open/absolute HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    assert send(gateway, absolute).startswith(b"HTTP/1.1 200 ")
    assert users.heard_at("/api/v1/open/absolute")[0].headers["Host"] == f"127.0.0.1:{users.port}"
