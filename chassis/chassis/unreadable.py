"""The answer to bytes that are no request: as every answer, in the one envelope.

gunicorn refuses what two readers could read in two ways (RFC 9112): a length beside chunks, two lengths, odd chunk
sizes, line ends within a header. Its own answer is a page that repeats what came, and its log line does, too; both may
hold a token.
"""

import http.client
import socket

import orjson
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException

from chassis import context
from chassis.errors import AppError, HeadersTooLarge, InternalError, MalformedRequest, UriTooLong, error_envelope

_LINGER_BYTES = 64 * 1024


def answer_to(error: BaseException) -> AppError:
    """What the client of a connection is told that failed with ``error``."""
    if isinstance(error, LimitRequestLine):
        return UriTooLong()
    if isinstance(error, LimitRequestHeaders):
        return HeadersTooLarge()
    return MalformedRequest() if isinstance(error, ParseException) else InternalError()


def refuse(client: socket.socket, error: AppError) -> None:
    """Send the answer, as the last on this connection, and wait until the client has hung up.

    The caller sets a limit to that. Raises OSError if the client is gone.
    """
    with context.bound(None) as request_id:
        body = orjson.dumps(error_envelope(error))
    head = (
        f"HTTP/1.1 {error.status} {http.client.responses[error.status]}\r\n"
        f"Connection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"{context.HEADER}: {request_id}\r\n\r\n"
    )
    client.sendall(head.encode() + body)
    client.shutdown(socket.SHUT_WR)
    # what is still unread as a socket is closed makes the kernel reset it, and the answer is lost
    left = _LINGER_BYTES
    while left > 0 and (part := client.recv(_LINGER_BYTES)):
        left -= len(part)
