"""The suite explains itself: one OpenAPI document of all services, and a page to read it and try it."""

import json
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint

from chassis.errors import AppError, HeadersTooLarge, UpstreamTimeout, UriTooLong
from chassis.headers import JSON
from chassis.openapi import VERSION, refusals
from gateway.errors import BadGateway, Overloaded, PayloadTooLarge, RateLimited, RequestTimeout, RouteNotFound
from gateway.own_routes import OWN_PATHS, OWN_TAG
from gateway.pages import File, serve

_KEPT = "public, max-age=300"
# Swagger UI sets styles on elements; scripts and all else come from here alone
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Appointment suite: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<main id="page"></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""
_START = """const page = SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#page", deepLinking: true, docExpansion: "none", filter: true,
  persistAuthorization: false, validatorUrl: null,
  // who signs in on this page is signed in for the calls that follow
  responseInterceptor: (answer) => {
    const token = answer.ok && answer.body && answer.body.data && answer.body.data.accessToken;
    if (token) page.preauthorizeApiKey("accessToken", token);
    return answer;
  }
});
"""
_ABOUT = """\
Every answer is in one envelope: `success`, `message`, and `data` or `code`. A request may name itself by
`X-Request-Id`; every answer bears one, by which it is found in the logs. To try a call that needs somebody signed
in, call `POST /api/v1/auth/login` or `/signup` on this page: the calls that follow carry its `accessToken`. Another
token can be given under *Authorize*, and dropped there."""


_EVERYWHERE = (UriTooLong, HeadersTooLarge, RateLimited, BadGateway, Overloaded, UpstreamTimeout)
_QUOTA = {
    "RateLimit-Limit": {"schema": {"type": "integer"}, "description": "Requests that this client may make at once."},
    "RateLimit-Remaining": {"schema": {"type": "integer"}, "description": "How many of them are left."},
    "RateLimit-Reset": {"schema": {"type": "integer"}, "description": "Seconds until all of them are there again."},
}
"""Headers of whatever is counted: not of everything, for limits can be switched off."""


def joined(folder: Path, services: Iterable[str]) -> dict[str, Any]:
    """The documents in ``folder`` (``<service>.json``) as one, with the gateway's own routes and answers."""
    documents = [json.loads((folder / f"{name}.json").read_text()) for name in services]
    document: dict[str, Any] = {
        "openapi": VERSION,
        "info": {"title": "Appointment suite", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [*(tag for one in documents for tag in one["tags"]), OWN_TAG],
        "paths": {},
        "components": {"schemas": {}, "headers": dict(_QUOTA), "securitySchemes": {}},
    }
    for one in documents:
        for path, operations in one["paths"].items():
            document["paths"].setdefault(path, {}).update(operations)
        for kind, components in one["components"].items():
            document["components"].setdefault(kind, {}).update(components)
    for schema in document["components"]["schemas"].values():
        # two services may call different shapes by one title; generators of clients take it for the name
        schema.pop("title", None)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            here: list[type[AppError]] = [*_EVERYWHERE]
            # of an id that could be read in two ways
            here += [RouteNotFound] if "{" in path else []
            here += [RequestTimeout, PayloadTooLarge] if "requestBody" in operation else []
            _add(refusals(here), operation["responses"])
            for response in operation["responses"].values():
                told = {name: {"$ref": f"#/components/headers/{name}"} for name in _QUOTA}
                response["headers"] = {**response.get("headers", {}), **told}
    document["paths"].update(OWN_PATHS)
    return document


def _add(refused: dict[str, Any], responses: dict[str, Any]) -> None:
    """Tell of the gateway's own errors beside those that a service declares with the same status."""
    for status, mine in refused.items():
        theirs = responses.setdefault(status, mine)
        codes = _codes(theirs)
        # a line of the description for each code
        for code, line in zip(_codes(mine), mine["description"].splitlines(), strict=True):
            if code not in codes:
                codes.append(code)
                theirs["description"] += "\n" + line


def _codes(response: dict[str, Any]) -> list[str]:
    codes: list[str] = response["content"][JSON]["schema"]["allOf"][1]["properties"]["code"]["enum"]
    return codes


def pages(document: dict[str, Any]) -> Blueprint:
    """``/openapi.json`` and ``/docs``, with all that the page loads: it works where there is no other network."""
    shipped = Path(str(distribution("flask-openapi3-swagger").locate_file("flask_openapi3_swagger/templates/swagger")))
    api = Blueprint("documentation", __name__)
    for path, body, kind in (
        ("/openapi.json", orjson.dumps(document), JSON),
        ("/docs", _PAGE.encode(), "text/html; charset=utf-8"),
        ("/docs/swagger-ui.css", (shipped / "css" / "swagger-ui.css").read_bytes(), "text/css"),
        ("/docs/swagger-ui-bundle.js", (shipped / "js" / "swagger-ui-bundle.js").read_bytes(), "text/javascript"),
        ("/docs/start.js", _START.encode(), "text/javascript"),
    ):
        serve(api, path, File(body, kind, _POLICY, _KEPT))
    return api
