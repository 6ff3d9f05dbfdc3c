"""The suite explains itself: one OpenAPI document of all services, and a page to read it and try it."""

import hashlib
import json
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint, Response, request

from chassis.api import JSON
from chassis.errors import UpstreamTimeout
from chassis.openapi import VERSION, refusals
from gateway.errors import BadGateway, PayloadTooLarge

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
Every answer is in one envelope: `success`, `message`, and `data` or `code`. To try a call that needs somebody signed
in, call `POST /api/v1/auth/login` or `/signup` on this page: the calls that follow carry its `accessToken`. Another
token can be given under *Authorize*, and dropped there."""


def joined(folder: Path, services: Iterable[str]) -> dict[str, Any]:
    """The documents in ``folder`` (``<service>.json``) as one, with what the gateway itself may answer."""
    documents = [json.loads((folder / f"{name}.json").read_text()) for name in services]
    document: dict[str, Any] = {
        "openapi": VERSION,
        "info": {"title": "Appointment suite", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [tag for one in documents for tag in one["tags"]],
        "paths": {},
        "components": {"schemas": {}, "securitySchemes": {}},
    }
    for one in documents:
        for path, operations in one["paths"].items():
            document["paths"].setdefault(path, {}).update(operations)
        for kind in document["components"]:
            document["components"][kind].update(one["components"][kind])
    for schema in document["components"]["schemas"].values():
        # two services may call different shapes by one title; generators of clients take it for the name
        schema.pop("title", None)
    for operations in document["paths"].values():
        for operation in operations.values():
            here = [BadGateway, UpstreamTimeout, *([PayloadTooLarge] if "requestBody" in operation else [])]
            operation["responses"] = {**refusals(here), **operation["responses"]}
    return document


def pages(document: dict[str, Any]) -> Blueprint:
    """``/openapi.json`` and ``/docs``, with all that the page loads: it works where there is no other network."""
    shipped = Path(str(distribution("flask-openapi3-swagger").locate_file("flask_openapi3_swagger/templates/swagger")))
    files = {
        "swagger-ui.css": _prepared((shipped / "css" / "swagger-ui.css").read_bytes(), "text/css"),
        "swagger-ui-bundle.js": _prepared((shipped / "js" / "swagger-ui-bundle.js").read_bytes(), "text/javascript"),
        "start.js": _prepared(_START.encode(), "text/javascript"),
    }
    whole = _prepared(orjson.dumps(document), JSON)
    page = _prepared(_PAGE.encode(), "text/html; charset=utf-8")
    api = Blueprint("documentation", __name__)

    @api.get("/openapi.json")
    def openapi() -> Response:
        return _answer(whole)

    @api.get("/docs")
    def docs() -> Response:
        return _answer(page)

    for name, file in files.items():
        api.add_url_rule(f"/docs/{name}", endpoint=name.replace(".", "-"), view_func=lambda file=file: _answer(file))
    return api


_Prepared = tuple[bytes, str, str]


def _prepared(body: bytes, kind: str) -> _Prepared:
    return body, kind, hashlib.sha256(body).hexdigest()[:32]


def _answer(prepared: _Prepared) -> Response:
    body, kind, digest = prepared
    response = Response(body, content_type=kind)
    response.set_etag(digest)
    response.headers["Cache-Control"] = _KEPT
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.make_conditional(request)
    return response
