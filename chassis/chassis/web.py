"""The base of every Flask app: envelope for every answer, request ids, log line, metrics, health."""

import time
from collections.abc import Callable, Mapping, Sequence

import structlog
from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from chassis import context, health, metrics, tracing
from chassis.api import Api, render
from chassis.config import BaseConfig
from chassis.errors import AppError, InternalError, error_envelope
from chassis.openapi import document
from chassis.tokens import TokenVerifier

log = structlog.get_logger("http")

LARGEST_BODY = 1024 * 1024
FOR_OPERATORS = ("/health", "/metrics")
"""Where paths begin that are asked for every few seconds, and answered whatever else is away."""
_HTTP_CODES = {
    400: "MALFORMED_REQUEST",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}
_HTTP_MESSAGES = {
    404: "There is no such route.",
    405: "This route does not take that method.",
    413: "The body is too large.",
}


METRICS = Blueprint("metrics", __name__)


@METRICS.get("/metrics")
def show_metrics() -> Response:
    """What this process counted, over all of its workers, in Prometheus' text format."""
    return Response(metrics.exposition(), content_type=CONTENT_TYPE_LATEST)


def create_flask(
    name: str,
    config: BaseConfig,
    *,
    apis: Sequence[Blueprint],
    checks: Mapping[str, health.Check],
    unavailable: Callable[[Flask], None] | None = None,
) -> Flask:
    """A Flask app of service ``name`` with what every service has.

    ``unavailable`` registers how the errors of a dependency (the database driver's) become 503.
    """
    app = Flask(name, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.url_map.redirect_defaults = False
    app.url_map.merge_slashes = False
    # the gateway, the only client, replaces X-Forwarded-For by the address that it saw
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=0)  # type: ignore[method-assign]
    app.extensions["token_verifier"] = TokenVerifier(config.verification_keys())
    app.register_blueprint(health.blueprint(checks))
    app.register_blueprint(METRICS)
    for api in apis:
        app.register_blueprint(api)
    _number_requests(app)
    _log_requests(app, name)
    if tracing.is_on():
        _trace_requests(app)
    if any(isinstance(api, Api) for api in apis):
        _explain(app, name)
    app.register_error_handler(AppError, failure)
    app.register_error_handler(HTTPException, _http_failure)
    app.register_error_handler(Exception, defect)
    if unavailable:
        unavailable(app)
    return app


def failure(error: AppError) -> Response:
    """The error envelope."""
    return render(error.status, error_envelope(error), error.headers)


def _http_failure(error: HTTPException) -> Response:
    status = error.code or 500
    envelope = {
        "success": False,
        "message": _HTTP_MESSAGES.get(status, error.name),
        "code": _HTTP_CODES.get(status, error.name.upper().replace(" ", "_")),
        "requestId": context.request_id(),
    }
    headers = {key: value for key, value in error.get_headers() if key in ("Allow", "Retry-After")}
    return render(status, envelope, headers)


def defect(error: Exception) -> Response:
    """The answer to what nobody foresaw; its trace is in the log alone."""
    log.error("unhandled error", exc_info=error)
    return failure(InternalError())


def _explain(app: Flask, name: str) -> None:
    @app.get("/openapi.json")
    def explain() -> Response:
        return render(200, document(app, name))


def _trace_requests(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        if not _route().startswith(FOR_OPERATORS):
            # only the gateway can reach this process, and it passes on nothing that it did not make itself
            g.tracing = tracing.span("request", "server", request.headers.get(tracing.HEADER))
            g.span = g.tracing.__enter__()

    @app.after_request
    def note(response: Response) -> Response:
        if "span" in g:
            tracing.tell_request(g.span, metrics.known_method(request.method), _route(), response.status_code)
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        present = g.pop("tracing", None)
        if present is not None:
            present.__exit__(None, None, None)


def _number_requests(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        g.request_context = context.bound(request.headers.get(context.HEADER))
        g.request_context.__enter__()

    @app.after_request
    def stamp(response: Response) -> Response:
        response.headers[context.HEADER] = context.request_id() or ""
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        bound = g.pop("request_context", None)
        if bound is not None:
            bound.__exit__(None, None, None)


def _route() -> str:
    """The template of the route that is asked for."""
    return request.url_rule.rule if request.url_rule else "unknown"


def _log_requests(app: Flask, name: str) -> None:
    @app.after_request
    def record(response: Response) -> Response:
        route = _route()
        seconds = time.perf_counter() - g.began
        method = metrics.known_method(request.method)
        metrics.answered(name, method, route, response.status_code, seconds)
        if not route.startswith(FOR_OPERATORS):
            who = g.get("identity")
            log.info(
                "request",
                method=request.method,
                route=route,
                status=response.status_code,
                ms=round(seconds * 1000, 1),
                user=who.user_id if who else None,
            )
        return response
