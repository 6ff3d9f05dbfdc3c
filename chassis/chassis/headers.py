"""The headers that an answer may bear besides its type and length, as OpenAPI tells of them; and the type of most."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

JSON = "application/json"

CACHE_CONTROL = "Cache-Control"
CONTENT_DISPOSITION = "Content-Disposition"
ETAG = "ETag"
IDEMPOTENCY_REPLAYED = "Idempotency-Replayed"
REQUEST_ID = "X-Request-Id"
RETRY_AFTER = "Retry-After"
WWW_AUTHENTICATE = "WWW-Authenticate"

_TEXT = {"type": "string"}

ANSWERED: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        CACHE_CONTROL: {"description": "Who may keep the answer, and for how many seconds.", "schema": _TEXT},
        CONTENT_DISPOSITION: {"description": "The name to save the answer under.", "schema": _TEXT},
        ETAG: {
            "description": "The version in quotes: send it as `If-Match` with a change.",
            "required": True,
            "schema": {"type": "string", "pattern": '^"[0-9]+"$', "examples": ['"3"']},
        },
        IDEMPOTENCY_REPLAYED: {
            "description": "There if this is the answer that an earlier request with the same key was given.",
            "schema": {"const": "true"},
        },
        REQUEST_ID: {
            "description": "The `X-Request-Id` that was sent, or one made for this request; finds it in the logs.",
            "required": True,
            "schema": _TEXT,
        },
        RETRY_AFTER: {
            "description": "Seconds after which to ask again.",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
        },
        WWW_AUTHENTICATE: {"description": "`Bearer`, and why the token was refused.", "schema": _TEXT},
    }
)
"""Header objects by name; what is ``required`` is there on every answer that declares it."""
