"""The WSGI app: wiring only."""

from flask import Response

from chassis.web import create_flask
from gateway.bootstrap import Built
from gateway.buckets import SHARED
from gateway.cors import Cors
from gateway.documentation import pages
from gateway.limits import Limits
from gateway.proxy import Proxy
from gateway.security_headers import EVERYWHERE

NAME = "gateway"


def create_app(built: Built) -> Proxy:
    """The proxy, and behind it the Flask app of what is the gateway's own: health, metrics and the documentation."""
    checks = {name: upstream.probe for name, upstream in built.upstreams.items()}
    own = create_flask(NAME, built.config, apis=[pages(built.document)], checks=checks)
    own.after_request(_harmless)
    limits = Limits(built.config, SHARED)
    cors = Cors(built.config.cors_origins)
    return Proxy(built.table, built.upstreams, built.verifier, built.admission, limits.check, cors, own)


def _harmless(response: Response) -> Response:
    for name, value in EVERYWHERE:
        response.headers.setdefault(name, value)
    return response
