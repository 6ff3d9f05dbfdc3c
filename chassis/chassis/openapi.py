"""The OpenAPI 3.1 document of one service, made from what its routes declare about themselves."""

import re
from collections import defaultdict
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from flask import Flask
from pydantic import TypeAdapter

from chassis import errors
from chassis.api import Operation, operations
from chassis.errors import AppError
from chassis.headers import ANSWERED, JSON, REQUEST_ID, RETRY_AFTER
from chassis.urls import BASE_PATH

VERSION = "3.1.0"
Node = dict[str, Any]

_WAIT = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_COMPONENTS = "#/components/schemas/"
_ENVELOPE: Node = {
    "success": {"const": True, "description": "Tells a success from an error."},
    "message": {"type": "string", "description": "For a person; may change."},
}
_NOTHING: Node = {"type": "null", "description": "There is nothing to tell besides."}
_PARAMETER = re.compile(r"<(\w+)>")
_ERROR: Node = {
    "type": "object",
    "description": "What every error is answered as.",
    "required": ["success", "message", "code", "requestId"],
    "properties": {
        "success": {"const": False, "description": "Tells an error from a success."},
        "message": {"type": "string", "description": "For a person; may change."},
        "code": {"type": "string", "description": "Stable: see docs/errors.md."},
        "requestId": {"type": ["string", "null"], "description": "Finds the request in the logs."},
        "errors": {
            "type": "array",
            "description": "With VALIDATION_FAILED: the fields that are not right.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {
                    "field": {"type": "string", "description": "Where, such as `weekly.0.from`."},
                    "message": {"type": "string", "description": "What is not right about it."},
                },
            },
        },
        "data": {"description": "What some errors tell besides, such as until when an account can be recovered."},
    },
}
_IF_MATCH: Node = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag that was read; 412 if it was changed since.",
    "schema": {"type": "string", "examples": ['"3"']},
}
_IDEMPOTENCY_KEY: Node = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The client's own name for this request: sent again with it, it takes effect once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}


def document(app: Flask, service: str) -> Node:
    """All operations of the app; its components are named ``<service>.<shape>``, so that documents can be joined."""
    declared = list(operations(app))
    shapes, components = _shapes(declared, service)
    paths: defaultdict[str, Node] = defaultdict(dict)
    for operation in declared:
        paths[path_of(operation)][operation.method.lower()] = _operation(operation, service, shapes, components)
    # a query's shape is told by its parameters, and is no component
    for operation in declared:
        if operation.query:
            components.pop(_name(shapes[operation.query, "validation"]["$ref"]), None)
    return {
        "openapi": VERSION,
        "info": {"title": service, "version": "1"},
        "tags": [{"name": service}],
        "paths": dict(paths),
        "components": {
            "schemas": {"Error": _ERROR, **components},
            "headers": dict(ANSWERED),
            "securitySchemes": {"accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def path_of(operation: Operation) -> str:
    """The operation's path as OpenAPI writes it."""
    return BASE_PATH + _PARAMETER.sub(r"{\1}", operation.path)


def _shapes(declared: Iterable[Operation], service: str) -> tuple[dict[Any, Node], Node]:
    """The schema of everything that comes in (``validation``) or goes out, and the components they refer to."""
    wanted: dict[tuple[Any, str], TypeAdapter[Any]] = {}
    for operation in declared:
        for shape in (operation.body, operation.query):
            if shape:
                wanted[shape, "validation"] = TypeAdapter(shape)
        if operation.returns is not None and operation.media == JSON:
            wanted[operation.returns, "serialization"] = TypeAdapter(operation.returns)
    inputs: Any = [(shape, mode, adapter) for (shape, mode), adapter in wanted.items()]
    schemas, known = TypeAdapter.json_schemas(inputs, ref_template=f"{_COMPONENTS}{service}.{{model}}")
    components = {f"{service}.{name}": schema for name, schema in known.get("$defs", {}).items()}
    for component in components.values():
        for field in component.get("properties", {}).values():
            _raise_description(field)
    return dict(schemas), components


def _raise_description(field: Node) -> None:
    """A type's description, which pydantic leaves inside the choice of that type or null, is the field's."""
    choices = [choice for choice in field.get("anyOf", ()) if choice.get("type") != "null"]
    if "description" not in field and len(choices) == 1 and "description" in choices[0]:
        field["description"] = choices[0].pop("description")


def _operation(operation: Operation, service: str, shapes: dict[Any, Node], components: Node) -> Node:
    refused = _errors(operation)
    described: Node = {
        "operationId": _identifier(operation),
        "tags": [service],
        "summary": operation.summary.partition("\n")[0],
        "security": [{"accessToken": []}] if operation.audience else [],
        "parameters": [*_path_parameters(operation), *_headers(refused)],
        "responses": {
            **{str(status): _success(operation, shapes) for status in operation.statuses},
            **refusals(refused),
        },
    }
    if operation.audience:
        described["description"] = f"{operation.summary}\n\nFor: {', '.join(sorted(operation.audience))}."
    if operation.query:
        described["parameters"] += _query_parameters(components[_name(shapes[operation.query, "validation"]["$ref"])])
    if operation.body:
        content = {JSON: {"schema": shapes[operation.body, "validation"], "example": dict(operation.body.example)}}
        # a shape that asks for nothing takes no body at all for an empty one
        needed = any(field.is_required() for field in operation.body.model_fields.values())
        described["requestBody"] = {"required": needed, "content": content}
    return described


def _success(operation: Operation, shapes: dict[Any, Node]) -> Node:
    response: Node = {"description": operation.message, "headers": told(operation.headers)}
    if operation.media != JSON:
        return response | {"content": {operation.media: {"schema": {"type": "string"}}}}
    data = shapes[operation.returns, "serialization"] if operation.returns is not None else _NOTHING
    return response | {"content": {JSON: {"schema": envelope(data)}}}


def envelope(data: Node) -> Node:
    """The schema of a success that tells of this data."""
    return {
        "type": "object",
        "required": ["success", "message", "data"],
        "properties": {**_ENVELOPE, "data": {"description": "What was asked for.", **data}},
    }


def told(names: Iterable[str]) -> Node:
    """The headers of these names, and the one that every answer bears."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, REQUEST_ID)}


def _errors(operation: Operation) -> set[type[AppError]]:
    """What the route declares, and what every route of its kind may answer besides."""
    every: set[type[AppError]] = {*operation.errors, errors.MalformedRequest, errors.NotAcceptable}
    every |= {errors.ValidationFailed, errors.ServiceUnavailable}
    if operation.body:
        every.add(errors.UnsupportedMediaType)
    if operation.audience:
        every |= {errors.TokenMissing, errors.TokenInvalid, errors.TokenExpired, errors.TokenRevoked, errors.Forbidden}
    return every


def refusals(refused: Iterable[type[AppError]]) -> Node:
    """The responses that tell of these errors, by status."""
    by_status: defaultdict[int, dict[str, str]] = defaultdict(dict)
    # how long to wait after too many tries is each refusal's own to say, and not its class's
    bear: defaultdict[int, set[str]] = defaultdict(set, {HTTPStatus.TOO_MANY_REQUESTS: {RETRY_AFTER}})
    for error in refused:
        by_status[error.status][error.code] = error.message
        bear[error.status] |= error.headers.keys()
    responses = {}
    for status, codes in sorted(by_status.items()):
        schema = {"allOf": [{"$ref": f"{_COMPONENTS}Error"}, {"properties": {"code": {"enum": sorted(codes)}}}]}
        text = "\n".join(f"- `{code}`: {message}" for code, message in sorted(codes.items()))
        content = {JSON: {"schema": schema}}
        headers = told(sorted(bear[status]))
        if RETRY_AFTER in headers and status not in _WAIT:
            # of several errors with this status, one tells when to come again
            headers[RETRY_AFTER] = {**ANSWERED[RETRY_AFTER], "required": False}
        responses[str(status)] = {"description": text, "headers": headers, "content": content}
    return responses


def _path_parameters(operation: Operation) -> list[Node]:
    return [
        _parameter(name, "path", TypeAdapter(operation.parameters[name]).json_schema(), required=True)
        for name in _PARAMETER.findall(operation.path)
    ]


def _headers(refused: set[type[AppError]]) -> list[Node]:
    codes = {error.code for error in refused}
    by_code = ((errors.VersionMismatch.code, _IF_MATCH), ("IDEMPOTENCY_KEY_REUSED", _IDEMPOTENCY_KEY))
    return [parameter for code, parameter in by_code if code in codes]


def _query_parameters(shape: Node) -> list[Node]:
    required = shape.get("required", ())
    properties = shape.get("properties", {})
    return [_parameter(name, "query", schema, required=name in required) for name, schema in properties.items()]


def _parameter(name: str, where: str, schema: Node, *, required: bool) -> Node:
    kept = {key: value for key, value in schema.items() if key not in ("title", "description")}
    parameter = {"name": name, "in": where, "required": required, "schema": kept}
    return parameter | ({"description": schema["description"]} if "description" in schema else {})


def _identifier(operation: Operation) -> str:
    words = re.split(r"\W+", operation.path.replace("<", "by-"))
    return operation.method.lower() + "".join(word[:1].upper() + word[1:] for word in words)


def _name(reference: str) -> str:
    return reference.removeprefix(_COMPONENTS)
