"""One service as the gateway sees it: its addresses, and connections that are kept open to each."""

import errno
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import gevent
import orjson
import structlog
from prometheus_client import Counter

from chassis import context
from chassis.errors import AppError, ServiceUnavailable, UpstreamTimeout
from gateway.addresses import AVOIDED_FOR_SECONDS, Address, Addresses
from gateway.errors import BadGateway, Overloaded
from gateway.wire import Connection, CutShort, Headers, NotHttp, Response

log = structlog.get_logger(__name__)

SHED = Counter("gateway_requests_shed", "Requests refused because a service had too much before it.", ["service"])

PROBE_SECONDS = 2.0

PATIENCE_SECONDS = 4.0
"""How long after it went away a service is waited for: a process that is started anew listens again before."""

_LONGEST_IDLE_SECONDS = 30.0  # the services close an idle connection after 75 s: be well before them
_MOST_IDLE = 100
_ASKED_AGAIN_AFTER_SECONDS = 0.1
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})

MOST_UNDER_WAY = 256
"""Requests of clients that one service has before it, from one worker: who comes then is told at once to come later.

Far more than a service works on at a time, so that a burst passes; few enough that nobody waits for long in vain.
"""

HELD_BYTES = 256 * 1024
"""So much of an answer's body is held before it is passed on; a client that reads slowly holds up no service for it."""

_MOST_REPEATS = 10.0
_REPEATS_EARNED = 0.1


@dataclass(frozen=True, slots=True)
class Call:
    """A request to a service.

    A ``patient`` one, a client's, waits for a service that can't be reached until it has been away for
    PATIENCE_SECONDS: nothing was sent, so this is safe for every method, and who comes later in an outage doesn't wait.
    Its answer may be passed on while it comes.
    """

    method: str
    target: str
    headers: Headers
    body: bytes = b""
    patient: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: whole, or with a ``rest`` that must be read to its end or closed."""

    status: int
    headers: Headers
    body: bytes
    rest: "Rest | None" = None


class Rest:
    """An answer that is passed on while it comes: its parts, of which each must come within ``seconds``.

    Where it breaks off it raises ConnectionResetError, which ends the client's connection: it must not take what it
    has for the whole.
    """

    def __init__(
        self, upstream: str, held: bytes, parts: Iterator[bytes], seconds: float, ended: Callable[[bool], None]
    ) -> None:
        self._upstream = upstream
        self._held = held
        self._parts = parts
        self._seconds = seconds
        self._ended: Callable[[bool], None] | None = ended

    def __iter__(self) -> Iterator[bytes]:
        part: bytes | None = self._held
        while part is not None:
            yield part
            part = self._next()
        self._end(whole=True)

    def close(self) -> None:
        """Let go of the service's connection; whoever has an answer with a rest calls this, read to the end or not."""
        self._end(whole=False)

    def _next(self) -> bytes | None:
        try:
            with gevent.Timeout(self._seconds, UpstreamTimeout):
                return next(self._parts, None)
        except (UpstreamTimeout, CutShort, NotHttp, OSError) as error:
            log.warning("upstream broke off", upstream=self._upstream, error=repr(error))
            raise ConnectionResetError(errno.ECONNRESET, "the service broke off") from None

    def _end(self, whole: bool) -> None:
        ended, self._ended = self._ended, None
        if ended:
            ended(whole)


class _NotSent(Exception):
    """The service can not have acted: the connection failed before the last byte of the request was accepted."""


class _NotAnswered(Exception):
    """The request went out, and the connection was closed before the whole of a response came."""


class Upstream:
    """Calls one service. Each address that its name has gets its turn, so that replicas are served evenly."""

    def __init__(self, name: str, url: str, seconds: float) -> None:
        parts = urlsplit(url)
        self.name = name
        self._netloc = parts.netloc
        self._seconds = seconds
        self._patience = min(PATIENCE_SECONDS, seconds / 3)
        self._addresses = Addresses(parts.hostname or "", parts.port or 80)
        self._idle: dict[Address, deque[Connection]] = {}
        self._under_way = 0
        # one repeat for ten requests: a service in trouble must not be asked twice as much for it
        self._repeats = _MOST_REPEATS
        self._away_since = self._away_at = float("-inf")

    def exchange(self, call: Call, seconds: float | None = None) -> Answer:
        """The service's answer to a call: within ``seconds``, all of it or what is held of it (HELD_BYTES).

        Raises ServiceUnavailable if it can't be reached or hangs up, Overloaded if it has too much before it,
        UpstreamTimeout, or BadGateway if what it says is not HTTP.
        """
        if call.patient and self._under_way >= MOST_UNDER_WAY:
            SHED.labels(self.name).inc()
            raise Overloaded
        # over the whole exchange: a timeout of the socket would begin anew with each byte that trickles in
        seconds = seconds or self._seconds
        answer: Answer | None = None
        self._under_way += call.patient
        try:
            with gevent.Timeout(seconds, UpstreamTimeout):
                answer = self._exchange(call, seconds)
            return answer
        except (_NotSent, _NotAnswered, OSError) as error:
            log.warning("upstream away", upstream=self.name, error=repr(error.__cause__ or error))
            raise ServiceUnavailable from None
        except NotHttp as error:
            log.warning("upstream talks nonsense", upstream=self.name, error=repr(error))
            raise BadGateway from None
        finally:
            # else when its rest is read
            if answer is None or answer.rest is None:
                self._under_way -= call.patient

    def probe(self) -> None:
        """Raises unless the service says that it is ready."""
        answer = self.exchange(Call("GET", "/health/ready", [("Accept", "application/json")]), PROBE_SECONDS)
        if answer.status != 200:
            raise ServiceUnavailable(f"{self.name} answers {answer.status}")

    def read_json(self, target: str, seconds: float) -> Any:
        """What one of the service's internal routes answers. Raises ServiceUnavailable, whatever is wrong."""
        identifier = context.request_id()
        headers = [("Accept", "application/json")] + ([(context.HEADER, identifier)] if identifier else [])
        try:
            answer = self.exchange(Call("GET", target, headers), seconds)
            if answer.status == 200:
                return orjson.loads(answer.body)
            log.warning("upstream does not tell", upstream=self.name, status=answer.status)
        except (AppError, ValueError) as error:
            log.warning("upstream does not tell", upstream=self.name, error=type(error).__name__)
        raise ServiceUnavailable

    def _exchange(self, call: Call, seconds: float) -> Answer:
        repeated = False
        self._repeats = min(self._repeats + _REPEATS_EARNED, _MOST_REPEATS)
        while True:
            try:
                return self._ask_in_turn(call, seconds, fresh=repeated)
            except _NotAnswered:
                # the service closed an idle connection as the request was under way, or it died while acting
                if repeated or call.method not in _IDEMPOTENT or self._repeats < 1:
                    raise
                self._repeats -= 1
                repeated = True
            except _NotSent:
                if not (self._went_away_lately() and call.patient):
                    raise
                gevent.sleep(_ASKED_AGAIN_AFTER_SECONDS)

    def _went_away_lately(self) -> bool:
        now = time.monotonic()
        if now - self._away_at > AVOIDED_FOR_SECONDS:
            # not the outage that was seen before
            self._away_since = now
        self._away_at = now
        return now - self._away_since < self._patience

    def _ask_in_turn(self, call: Call, seconds: float, fresh: bool) -> Answer:
        failure = _NotSent()
        for address in self._in_turn():
            reused = True
            while reused:
                connection, reused = self._take(address, fresh)
                try:
                    return self._attempt(connection, address, call, seconds)
                except _NotSent as error:
                    failure = error
            self._addresses.refused(address)
        raise failure

    def _in_turn(self) -> list[Address]:
        try:
            addresses = self._addresses.in_turn()
        except OSError as error:
            raise _NotSent from error
        for gone in self._idle.keys() - self._addresses.known():
            for connection in self._idle.pop(gone):
                connection.close()
        if not addresses:
            raise ServiceUnavailable
        return addresses

    def _attempt(self, connection: Connection, address: Address, call: Call, seconds: float) -> Answer:
        response: Response | None = None
        parts: Iterator[bytes] | None = None
        self._addresses.under_way[address] += 1
        try:
            try:
                connection.send(call.method, call.target, call.headers, call.body)
            except OSError as error:
                raise _NotSent from error
            self._away_at = float("-inf")
            try:
                response, parts = connection.receive(call.method, HELD_BYTES if call.patient else float("inf"))
            except (OSError, CutShort) as error:
                raise _NotAnswered from error
            self._addresses.answered(address)
            if parts is None:
                return Answer(response.status, response.headers, response.body)
            ended = partial(self._rest_ended, connection, address, response)
            return Answer(response.status, response.headers, b"", Rest(self.name, response.body, parts, seconds, ended))
        except UpstreamTimeout:
            # who only asks how it is gives it less time
            if call.patient:
                self._addresses.silent(address)
            raise
        finally:
            # also for a timeout and a killed greenlet: what may still come must not answer somebody else's request
            if parts is None:
                self._let_go(connection, address, good=response is not None and response.stays_open)

    def _rest_ended(self, connection: Connection, address: Address, response: Response, whole: bool) -> None:
        self._under_way -= 1
        self._let_go(connection, address, good=whole and response.stays_open)

    def _let_go(self, connection: Connection, address: Address, *, good: bool) -> None:
        self._addresses.under_way[address] -= 1
        if good:
            self._keep(connection, address)
        else:
            connection.close()

    def _take(self, address: Address, fresh: bool) -> tuple[Connection, bool]:
        """A connection to the address, and whether it was used before."""
        idle = self._idle.setdefault(address, deque())
        while idle and not fresh:
            connection = idle.pop()
            if connection.is_good_after(_LONGEST_IDLE_SECONDS):
                return connection, True
            connection.close()
        return Connection(address, self._netloc), False

    def _keep(self, connection: Connection, address: Address) -> None:
        connection.rest()
        idle = self._idle.setdefault(address, deque())
        idle.append(connection)
        if len(idle) > _MOST_IDLE:
            idle.popleft().close()
