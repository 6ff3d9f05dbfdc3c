"""Files that the gateway itself serves to browsers: prepared once, each with the policy of the page it belongs to."""

import hashlib
from dataclasses import dataclass

from flask import Blueprint, Response, request


@dataclass(frozen=True)
class File:
    """What is answered at an address, the same for everybody."""

    body: bytes
    kind: str
    """The content type."""
    policy: str
    """The Content-Security-Policy."""
    kept: str
    """The Cache-Control."""


def serve(api: Blueprint, path: str, file: File) -> None:
    """Answer GET of ``path`` with the file, or with 304 to who has these very bytes."""
    digest = hashlib.sha256(file.body).hexdigest()[:32]

    def answer() -> Response:
        response = Response(file.body, content_type=file.kind)
        response.set_etag(digest)
        response.headers["Cache-Control"] = file.kept
        response.headers["Content-Security-Policy"] = file.policy
        response.make_conditional(request)
        return response

    # a blueprint takes no dots in the name of an endpoint
    api.add_url_rule(path, endpoint=path.replace(".", "-"), view_func=answer)
