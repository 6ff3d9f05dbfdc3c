"""What a request must bring before its handler is called: a type that it takes, a caller who may, a body or a query."""

from collections.abc import Container

from flask import current_app, g, request
from pydantic import ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from chassis.errors import (
    Forbidden,
    MalformedRequest,
    NotAcceptable,
    TokenMissing,
    UnsupportedMediaType,
    ValidationFailed,
)
from chassis.headers import JSON
from chassis.identity import Identity
from chassis.schemas import Body, Query, field_errors


def check_accept(media: str) -> None:
    """Raises NotAcceptable if the client takes no ``media``."""
    accept = request.headers.get("Accept")
    kind = media.partition(";")[0]
    if accept and accept != "*/*" and request.accept_mimetypes.quality(kind) <= 0:
        raise NotAcceptable(f"Only {kind} can be answered.")


def check_access(audience: Container[str]) -> None:
    """Note who calls, by the bearer token. Raises TokenMissing, what the verifier raises, or Forbidden."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenMissing
    who: Identity = current_app.extensions["token_verifier"].verify(token.strip())
    # noted before it is judged: the log names also who was refused
    g.identity = who
    if who.role not in audience:
        raise Forbidden


def read_body(shape: type[Body]) -> Body:
    """The body as its shape; without one, that of an empty object. Raises what is wrong with it."""
    raw = request.get_data(cache=True)
    if request.content_length is None and len(raw) >= (request.max_content_length or len(raw) + 1):
        # werkzeug cuts a chunked body off at its limit without a word
        raise RequestEntityTooLarge
    if raw and request.mimetype != JSON:
        raise UnsupportedMediaType
    try:
        return shape.model_validate_json(raw or b"{}")
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        if problems[0]["type"] == "json_invalid":
            raise MalformedRequest("The body is not valid JSON.") from None
        raise ValidationFailed(errors=field_errors(problems)) from None


def read_query(shape: type[Query]) -> Query:
    """The query as its shape. Raises ValidationFailed."""
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    if twice:
        raise ValidationFailed(errors=[{"field": name, "message": "is given twice"} for name in twice])
    try:
        return shape.model_validate(request.args.to_dict())
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise ValidationFailed(errors=field_errors(problems)) from None
