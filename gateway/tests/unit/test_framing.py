"""A request's body, read from a client who may do anything."""

import io
from typing import Any

import gevent
import pytest
from gunicorn.http.errors import InvalidChunkSize

from chassis.errors import MalformedRequest
from gateway import framing
from gateway.errors import RequestTimeout


class Trickle(io.RawIOBase):
    """A byte at a time, for ever."""

    def read(self, _: int = -1) -> bytes:
        gevent.sleep(0.01)
        return b"x"


class Broken(io.RawIOBase):
    def read(self, _: int = -1) -> bytes:
        raise InvalidChunkSize(b"0x4")


def environ(body: Any, length: str | None = None) -> dict[str, Any]:
    return {"wsgi.input": body, **({"CONTENT_LENGTH": length} if length else {"HTTP_TRANSFER_ENCODING": "chunked"})}


def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "_BODY_SECONDS", 0.1)
    with pytest.raises(RequestTimeout):
        framing.read_body(environ(Trickle(), "1000"))


def test_chunks_that_are_none_are_the_clients_fault() -> None:
    with pytest.raises(MalformedRequest):
        framing.read_body(environ(Broken()))


def test_a_body_that_ends_before_its_length_is_not_passed_on() -> None:
    with pytest.raises(MalformedRequest):
        framing.read_body(environ(io.BytesIO(b"abc"), "4"))
    assert framing.read_body(environ(io.BytesIO(b"abcd"), "4")) == b"abcd"
