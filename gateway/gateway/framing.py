"""What a request may look like on the wire, beyond what gunicorn refuses: nothing that two readers read in two ways."""

from typing import TYPE_CHECKING

import gevent
from gunicorn.http.errors import ParseException

from chassis.errors import MalformedRequest
from chassis.web import LARGEST_BODY
from gateway.errors import PayloadTooLarge, RequestTimeout

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_CHUNK = 64 * 1024
_BODY_SECONDS = 20.0
_VERSIONS = frozenset({"HTTP/1.1", "HTTP/1.0"})


def check(environ: "WSGIEnvironment") -> None:
    """Raises MalformedRequest unless version, host and framing are plain; offers of another protocol are not taken.

    ``Upgrade: h2c`` is passed over, as RFC 9110 (7.8) allows: some clients offer it with every request.
    """
    version = environ["SERVER_PROTOCOL"]
    if version not in _VERSIONS or (version == "HTTP/1.1" and not environ.get("HTTP_HOST")):
        raise MalformedRequest
    if environ.get("HTTP_TRANSFER_ENCODING", "chunked").strip().lower() != "chunked":
        raise MalformedRequest
    if "websocket" in environ.get("HTTP_UPGRADE", "").lower():
        raise MalformedRequest("Nothing here speaks WebSocket.")


def origin_form(target: str) -> str:
    """The request target from its path on; a client may send it with scheme and host (RFC 9112, 3.2.2)."""
    if target.startswith("/"):
        return target
    _, _, rest = target.partition("://")
    return rest[rest.find("/") :] if "/" in rest else "/"


def read_body(environ: "WSGIEnvironment") -> bytes:
    """The request's body.

    Raises PayloadTooLarge over 1 MiB, RequestTimeout after 20 s, MalformedRequest if it ends before its length.
    """
    length = environ.get("CONTENT_LENGTH")
    if not length and "HTTP_TRANSFER_ENCODING" not in environ:
        return b""
    if length and int(length) > LARGEST_BODY:
        raise PayloadTooLarge
    parts: list[bytes] = []
    size = 0
    try:
        # over the whole body: a byte now and then must not hold its place for ever
        with gevent.Timeout(_BODY_SECONDS, RequestTimeout):
            while part := environ["wsgi.input"].read(_CHUNK):
                parts.append(part)
                size += len(part)
                if size > LARGEST_BODY:
                    raise PayloadTooLarge
    except (OSError, ParseException):
        raise MalformedRequest from None
    if length and size != int(length):
        raise MalformedRequest
    return b"".join(parts)
