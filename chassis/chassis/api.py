"""Routes that declare what they take, what they answer and who may call them.

    api = Api("accounts")

    @api.post("/auth/signup", access=PUBLIC, status=201, returns=Tokens, errors=[EmailTaken], message="Welcome.")
    def signup(body: SignupBody) -> dict: ...

A handler's parameters ``body`` and ``query`` are values of their annotated shapes; the others are the path's, and
text: what their annotations say besides is for the document.
It returns the envelope's ``data`` (a dict, a list, a Shape or None), or a ``Reply`` where it must say more. A route
with a ``media`` of its own answers its bytes as they are, without an envelope; its errors have one as everywhere.
The declarations also make the OpenAPI document and the gateway's route table (see ``routes_of``).
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

import orjson
from flask import Blueprint, Flask, Response, current_app, g, request
from pydantic import BaseModel, TypeAdapter

from chassis import incoming
from chassis.errors import AppError, TokenMissing, ValidationFailed, VersionMismatch
from chassis.headers import ANSWERED, ETAG, JSON
from chassis.identity import Identity
from chassis.schemas import Body, Query
from chassis.urls import BASE_PATH

PUBLIC = "public"
SELF = "self"
PATIENT = "patient"
DOCTOR = "doctor"
ADMIN = "admin"
_ROLES = {PATIENT: {PATIENT}, DOCTOR: {DOCTOR}, ADMIN: {ADMIN}, SELF: {PATIENT, DOCTOR, ADMIN}}

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is more than its data."""

    data: Any = None
    status: int | None = None
    message: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """What a route declares about itself."""

    method: str
    path: str
    access: str
    statuses: tuple[int, ...]
    """Of a success; the first unless the handler replies with another."""
    message: str
    summary: str
    body: type[Body] | None
    query: type[Query] | None
    returns: Any
    errors: tuple[type[AppError], ...]
    media: str = JSON
    heavy: bool = False
    headers: tuple[str, ...] = ()
    """What a success may bear, of those that ``chassis.headers`` tells of."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """The types of the path's parameters, by name."""
    audience: frozenset[str] = frozenset()
    """Roles that may call; empty for a public route."""


class Api(Blueprint):
    """A blueprint under ``/api/v1`` whose routes must declare their access."""

    def __init__(self, name: str) -> None:
        super().__init__(name, __name__, url_prefix=BASE_PATH)

    def operation(
        self,
        method: str,
        path: str,
        *,
        access: str | tuple[str, ...],
        returns: Any = None,
        status: int | tuple[int, ...] = 200,
        message: str = "OK",
        errors: tuple[type[AppError], ...] | list[type[AppError]] = (),
        media: str = JSON,
        heavy: bool = False,
        headers: tuple[str, ...] | list[str] = (),
    ) -> Callable[[Handler], Handler]:
        """Route ``method path`` (Flask's pattern, below /api/v1) to the decorated handler.

        ``access`` is PUBLIC, SELF (anyone signed in) or one or several roles. ``heavy``: one call costs as much as
        many others, so the gateway lets a user make fewer.
        """
        wanted = (access,) if isinstance(access, str) else access
        if not wanted or (PUBLIC in wanted and len(wanted) > 1):
            raise ValueError(f"{method} {path}: say who may call it")
        audience = frozenset().union(*(_ROLES[who] for who in wanted if who != PUBLIC))

        def decorate(handler: Handler) -> Handler:
            hints = inspect.get_annotations(handler, eval_str=True)
            operation = Operation(
                method=method,
                path=path,
                access="|".join(wanted),
                statuses=(status,) if isinstance(status, int) else status,
                message=message,
                summary=inspect.getdoc(handler) or "",
                body=hints.get("body"),
                query=hints.get("query"),
                returns=returns,
                errors=tuple(errors),
                media=media,
                heavy=heavy,
                headers=tuple(headers),
                parameters={name: hint for name, hint in hints.items() if f"<{name}>" in path},
                audience=audience,
            )
            view = _view(operation, handler)
            self.add_url_rule(path, endpoint=handler.__name__, view_func=view, methods=[method])
            return handler

        return decorate

    # Blueprint.get and its like take no access and are not for use here
    def get(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.operation("GET", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.operation("POST", path, **options)

    def put(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.operation("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.operation("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.operation("DELETE", path, **options)


def identity() -> Identity:
    """Who makes the present request. Raises TokenMissing where nobody signed in (a public route)."""
    who: Identity | None = g.get("identity")
    if who is None:
        raise TokenMissing
    return who


def expected_version() -> int | None:
    """The version in ``If-Match``, None if the client did not send one (or sent ``*``)."""
    header = request.headers.get("If-Match", "").strip()
    if header in ("", "*"):
        return None
    text = header.removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        # an ETag that we never gave can match nothing
        raise VersionMismatch
    return int(text)


def etag(version: int) -> dict[str, str]:
    """The ``ETag`` header of a resource's version."""
    return {ETAG: f'"{version}"'}


def render(status: int, envelope: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """The envelope as a JSON response."""
    return Response(_json(envelope), status, headers, content_type=JSON)


def operations(app: Flask) -> Iterator[Operation]:
    """Every declared operation of the app, by path and method."""
    declared = (getattr(view, "operation", None) for view in app.view_functions.values())
    yield from sorted((item for item in declared if item), key=lambda item: (item.path, item.method))


def routes_of(app: Flask) -> list[dict[str, Any]]:
    """The app's public routes as ``contracts/routes/<service>.json`` holds them."""
    return [
        {
            "method": item.method,
            "path": item.path.replace("<", "{").replace(">", "}"),
            "access": item.access,
            **({"heavy": True} if item.heavy else {}),
        }
        for item in operations(app)
    ]


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    raise TypeError(f"{type(value).__name__} cannot be answered as JSON")


def _view(operation: Operation, handler: Callable[..., Any]) -> Callable[..., Response]:
    answer = TypeAdapter(operation.returns) if operation.returns is not None else None

    @wraps(handler)
    def view(**parameters: Any) -> Response:
        incoming.check_accept(operation.media)
        if operation.audience:
            incoming.check_access(operation.audience)
        if operation.query:
            parameters["query"] = incoming.read_query(operation.query)
        elif request.args:
            raise ValidationFailed(errors=[{"field": name, "message": "is not known"} for name in request.args])
        if operation.body:
            parameters["body"] = incoming.read_body(operation.body)
        elif request.content_length or "Transfer-Encoding" in request.headers:
            # nothing is asked for: what is sent all the same must not seem to have had an effect
            incoming.read_body(Body)
        result = handler(**parameters)
        reply = result if isinstance(result, Reply) else Reply(result)
        status = reply.status or operation.statuses[0]
        if current_app.testing:
            # in tests each answer is held against what is declared, so that the document cannot drift
            _check_declared(operation, answer, status, reply)
        if operation.media != JSON:
            return Response(reply.data, status, reply.headers, content_type=operation.media)
        envelope = {"success": True, "message": reply.message or operation.message, "data": reply.data}
        return render(status, envelope, reply.headers)

    view.operation = operation  # type: ignore[attr-defined]
    return view


def _check_declared(operation: Operation, answer: TypeAdapter[Any] | None, status: int, reply: Reply) -> None:
    assert status in operation.statuses, f"{status} is not declared"
    undeclared = reply.headers.keys() - set(operation.headers)
    assert not undeclared, f"{undeclared} are not declared"
    missing = {name for name in operation.headers if ANSWERED[name].get("required")} - reply.headers.keys()
    assert not missing, f"{missing} are declared, and not there"
    if answer is not None:
        answer.validate_json(_json(reply.data))
