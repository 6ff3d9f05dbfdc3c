"""What the document of the suite tells of the gateway's own routes, for operators and for readers of the document."""

from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST

from chassis.errors import NotReady
from chassis.headers import CACHE_CONTROL, JSON
from chassis.openapi import envelope, refusals, told

Node = dict[str, Any]

OWN_TAG: Node = {"name": "gateway", "description": "The gateway itself: how the suite is, and how to call it."}

_STATUS: Node = {"const": "ok", "description": "That all is well; an error tells otherwise."}
_ALIVE = {"type": "object", "required": ["status"], "properties": {"status": _STATUS}}
_READY = {
    "type": "object",
    "required": ["status", "checks"],
    "properties": {
        "status": _STATUS,
        "checks": {
            "type": "object",
            "description": "Each service by name, and whether it is ready.",
            "additionalProperties": {"enum": ["ok", "unavailable"]},
        },
    },
}
_TEXT: Node = {"type": "string"}
_IF_NONE_MATCH: Node = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of the copy that is at hand; 304 if it is the same still.",
    "schema": _TEXT,
}
# of the bytes, and no version of anything
_ETAG: Node = {"ETag": {"description": "Names these bytes, for `If-None-Match`.", "schema": _TEXT}}
_KEPT: Node = {"headers": {**told([CACHE_CONTROL]), **_ETAG}}


def _route(name: str, summary: str, answer: Node, *, others: Node | None = None, cached: bool = False) -> Node:
    success = {"description": "OK", "headers": told([]), "content": answer}
    if cached:
        success |= _KEPT
        others = {"304": {"description": "Nothing has changed.", **_KEPT}}
    return {
        "get": {
            "operationId": name,
            "tags": [OWN_TAG["name"]],
            "summary": summary,
            "security": [],
            "parameters": [_IF_NONE_MATCH] if cached else [],
            "responses": {"200": success, **(others or {})},
        }
    }


OWN_PATHS: Node = {
    "/health/live": _route("live", "Whether the gateway is up.", {JSON: {"schema": envelope(_ALIVE)}}),
    "/health/ready": _route(
        "ready",
        "Whether every service is ready; with 503, `data.checks` names the one that is not.",
        {JSON: {"schema": envelope(_READY)}},
        others=refusals([NotReady]),
    ),
    "/metrics": _route(
        "metrics",
        "Figures of the gateway, in Prometheus' text format.",
        {CONTENT_TYPE_LATEST: {"schema": _TEXT}},
    ),
    "/openapi.json": _route("openapi", "This document.", {JSON: {"schema": {"type": "object"}}}, cached=True),
    "/docs": _route(
        "docs",
        "A page to read this document, and to try it.",
        {"text/html; charset=utf-8": {"schema": _TEXT}},
        cached=True,
    ),
    "/console": _route(
        "console",
        "The admins' page.",
        {"text/html; charset=utf-8": {"schema": _TEXT}},
        cached=True,
    ),
}
"""Path items as in ``paths``."""
