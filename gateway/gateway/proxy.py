"""The hot path: a WSGI app in front of Flask that hands each request under /api/v1 to the service that owns it.

A Flask view does the same at less than half the rate (ARCHITECTURE 3.5); Flask serves what is the gateway's own.
"""

import http.client
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from chassis import context, metrics, tracing
from chassis.errors import AppError, InternalError, MalformedRequest, TokenMissing, error_envelope
from chassis.identity import Identity
from chassis.tokens import TokenVerifier
from chassis.urls import BASE_PATH
from gateway import framing, security_headers
from gateway.admission import Admission
from gateway.buckets import Taken
from gateway.client_address import ClientAddress
from gateway.cors import Cors
from gateway.errors import MethodNotAllowed
from gateway.limits import Limits, quota_headers
from gateway.route_table import Route, RouteTable, allowed_methods, path_of, segments_of
from gateway.upstream import Answer, Call, Upstream
from gateway.wire import Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger("proxy")

# Lists of what may pass, never of what may not: a header that nobody thought of stays outside.
_PASSED_ON = {
    "HTTP_ACCEPT": "Accept",
    "HTTP_ACCEPT_LANGUAGE": "Accept-Language",
    "HTTP_IDEMPOTENCY_KEY": "Idempotency-Key",
    "HTTP_IF_MATCH": "If-Match",
    "HTTP_IF_NONE_MATCH": "If-None-Match",
    "HTTP_USER_AGENT": "User-Agent",
    "CONTENT_TYPE": "Content-Type",
}
_PASSED_BACK = frozenset(
    {
        "allow",
        "cache-control",
        "content-disposition",
        "content-type",
        "etag",
        "idempotency-replayed",
        "location",
        "retry-after",
        "www-authenticate",
    }
)
_QUERY = re.compile(r"[!-~]*")
_HEADER_VALUE = re.compile(r"[\t -~\x80-\xff]*")


class Request:
    """A request under /api/v1, with what is found out about it on its way."""

    __slots__ = (
        "address",
        "environ",
        "identity",
        "method",
        "methods",
        "query",
        "quota",
        "request_id",
        "route",
        "segments",
    )

    def __init__(self, environ: "WSGIEnvironment", request_id: str, address: str) -> None:
        self.environ = environ
        self.address = address
        self.request_id = request_id
        self.method: str = environ["REQUEST_METHOD"]
        self.segments: list[str] = []
        self.methods: list[str] = []
        self.query = ""
        self.quota: Taken | None = None
        self.route: Route | None = None
        self.identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class Guards:
    """What the gateway itself decides by, before any service is asked."""

    verifier: TokenVerifier
    admission: Admission
    limits: Limits
    cors: Cors
    client_address: ClientAddress


class Proxy:
    """Routes, admits and forwards what is under /api/v1; ``own`` serves the rest."""

    def __init__(
        self, table: RouteTable, upstreams: Mapping[str, Upstream], guards: Guards, own: "WSGIApplication"
    ) -> None:
        self._table = table
        self._upstreams = upstreams
        self._guards = guards
        self._own = own
        self._answered = self._traced if tracing.is_on() else self._answered_or_refused

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path, _, query = framing.origin_form(environ["RAW_URI"]).partition("?")
        if path != BASE_PATH and not path.startswith(BASE_PATH + "/"):
            # nobody stands before the gateway whose word on the client's address counts
            environ.pop("HTTP_X_FORWARDED_FOR", None)
            return self._own(environ, start_response)
        began = time.perf_counter()
        with context.bound(environ.get("HTTP_X_REQUEST_ID")) as request_id:
            request = Request(environ, request_id, self._guards.client_address.of(environ))
            answer = self._answered(request, path, query)
            _record(request, answer.status, time.perf_counter() - began)
        start_response(
            f"{answer.status} {http.client.responses.get(answer.status, 'Unknown')}",
            [
                *answer.headers,
                *(quota_headers(request.quota).items() if request.quota else ()),
                *self._guards.cors.headers(environ, request.methods),
                *security_headers.EVERYWHERE,
                (context.HEADER, request_id),
            ],
        )
        if answer.rest:
            return answer.rest
        return [] if request.method == "HEAD" else [answer.body]

    def _traced(self, request: Request, path: str, query: str) -> Answer:
        # a stranger's span would make its trace ours, as long as it likes: only a balancer of our own is believed
        environ = request.environ
        parent = environ.get("HTTP_TRACEPARENT") if self._guards.client_address.is_behind_proxy(environ) else None
        with tracing.span("request", "server", parent) as span:
            answer = self._answered_or_refused(request, path, query)
            if span:
                tracing.tell_request(span, metrics.known_method(request.method), _target(request)[1], answer.status)
            return answer

    def _answered_or_refused(self, request: Request, path: str, query: str) -> Answer:
        try:
            return self._answer(request, path, query)
        except AppError as error:
            return _failure(error)
        except Exception:
            log.exception("unhandled error")
            return _failure(InternalError())

    def _answer(self, request: Request, path: str, query: str) -> Answer:
        request.query = query
        try:
            framing.check(request.environ)
            request.segments = segments_of(path)
            routes = self._table.find(request.segments)
            if request.method == "OPTIONS":
                request.methods = list(allowed_methods(routes))
                return Answer(204, [("Allow", ", ".join(request.methods))], b"")
            request.route = routes.get("GET" if request.method == "HEAD" else request.method)
            if request.route is None:
                raise MethodNotAllowed(allowed_methods(routes))
            self._admit(request, request.route)
        except AppError:
            # who guesses paths or tokens is counted, too
            request.quota = self._guards.limits.check(request.address, None, None)
            raise
        request.quota = self._guards.limits.check(request.address, request.identity, request.route)
        return self._forward(request, request.route)

    def _admit(self, request: Request, route: Route) -> None:
        """Let a request through or raise; it tells who is calling where the route is not public.

        The one gate before every service: whether the session was revoked is decided here and nowhere else. Roles are
        not: the services verify the token again and know what it may do.
        """
        if route.is_public:
            return
        scheme, _, token = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenMissing
        request.identity = self._guards.verifier.verify(token.strip())
        self._guards.admission.check(request.identity)

    def _forward(self, request: Request, route: Route) -> Answer:
        if not _QUERY.fullmatch(request.query) or "#" in request.query:
            raise MalformedRequest
        body = framing.read_body(request.environ)
        target = path_of(request.segments) + (f"?{request.query}" if request.query else "")
        call = Call(request.method, target, request_headers(request, body), body, patient=True)
        answer = self._upstreams[route.service].exchange(call, route.seconds)
        return Answer(answer.status, response_headers(request.method, answer, route), answer.body, answer.rest)


def request_headers(request: Request, body: bytes) -> Headers:
    """What a service is told: the client's headers that may pass, and what the gateway itself knows."""
    environ = request.environ
    # an empty one too: who sent an empty Idempotency-Key is to hear that it is none
    headers = [(name, environ[key]) for key, name in _PASSED_ON.items() if key in environ]
    if request.identity is not None:
        headers.append(("Authorization", environ["HTTP_AUTHORIZATION"]))
    if not all(_HEADER_VALUE.fullmatch(value) for _, value in headers):
        raise MalformedRequest
    if body or request.method in ("POST", "PUT", "PATCH"):
        headers.append(("Content-Length", str(len(body))))
    # replaced, not appended to: what a client claims about itself does not pass
    headers.append(("X-Forwarded-For", request.address))
    headers.append((context.HEADER, request.request_id))
    if traced := tracing.traceparent():
        headers.append((tracing.HEADER, traced))
    return headers


def response_headers(method: str, answer: Answer, route: Route) -> Headers:
    """What a client is told of a service's headers."""
    headers = [
        (name, value)
        for name, value in answer.headers
        if name.lower() in _PASSED_BACK and _HEADER_VALUE.fullmatch(value)
    ]
    if not any(name.lower() == "cache-control" for name, _ in headers):
        shared = route.is_public and method in ("GET", "HEAD")
        headers.append(security_headers.PUBLIC if shared else security_headers.PRIVATE)
    if method == "HEAD" or answer.rest:
        # the length of what GET would answer, or of all that is still to come, which only the service knows
        lengths = [value for name, value in answer.headers if name.lower() == "content-length"]
        headers += [("Content-Length", value) for value in lengths[:1] if value.isascii() and value.isdigit()]
    elif answer.status not in (204, 304):
        headers.append(("Content-Length", str(len(answer.body))))
    return headers


def _failure(error: AppError) -> Answer:
    body = orjson.dumps(error_envelope(error))
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        security_headers.PRIVATE,
        *error.headers.items(),
    ]
    return Answer(error.status, headers, body)


def _target(request: Request) -> tuple[str, str]:
    """The service and the template of the route that was asked for."""
    return (request.route.service, request.route.pattern) if request.route else ("gateway", "unknown")


def _record(request: Request, status: int, seconds: float) -> None:
    service, pattern = _target(request)
    method = metrics.known_method(request.method)
    metrics.answered(service, method, pattern, status, seconds)
    fields: dict[str, Any] = {"method": method, "route": pattern, "status": status, "ms": round(seconds * 1000, 1)}
    log.info("proxied", upstream=service, user=request.identity.user_id if request.identity else None, **fields)
