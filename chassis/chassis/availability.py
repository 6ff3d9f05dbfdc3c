"""What a client hears while the database is away or elects: a wait or a 503, never a 500 or an answer of yesterday."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import structlog
from flask import Flask, Response, g, request
from pymongo import errors, timeout

from chassis.errors import ServiceUnavailable
from chassis.mongo import OPERATION_SECONDS, Database, is_away
from chassis.web import FOR_OPERATORS, defect, failure

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = structlog.get_logger(__name__)


def answering_for(database: Database) -> Callable[[Flask], None]:
    """For ``create_flask``: the database's absence is a 503, and no answer leaves out what was acknowledged before.

    A request that comes first after an election waits until the new primary shows all of it; one that was under way
    meanwhile and would be refused is answered 503, for it may have looked too early (ADR 0028).
    """

    def register(app: Flask) -> None:
        answer_503_when_away(app)

        @app.before_request
        def catch_up() -> None:
            if not request.path.startswith(FOR_OPERATORS):
                g.election = database.catch_up()

        @app.after_request
        def look_again(response: Response) -> Response:
            if 400 <= response.status_code < 500 and "election" in g and database.election != g.election:
                log.warning("refused during an election", status=response.status_code)
                return failure(ServiceUnavailable())
            return response

    return register


def answer_503_when_away(app: Flask) -> None:
    """Register the database's absence as 503 with Retry-After: never a 500, and within 10 s.

    That is the bound of all of a request's operations together, and less than the gateway waits.
    """
    serve = app.wsgi_app

    def bounded(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with timeout(OPERATION_SECONDS):
            return serve(environ, start_response)

    app.wsgi_app = bounded  # type: ignore[method-assign]

    def answer(error: errors.PyMongoError) -> Response:
        if not is_away(error):
            return defect(error)
        log.warning("database away", error=_summary(error))
        return failure(ServiceUnavailable())

    app.register_error_handler(errors.PyMongoError, answer)


def _summary(error: errors.PyMongoError) -> str:
    # its whole text carries the state of every server, and could carry a document
    return f"{type(error).__name__} {getattr(error, 'code', None) or ''}".rstrip()
