"""The WSGI app: wiring only."""

from flask import Response

from chassis.web import create_flask
from gateway.bootstrap import Built
from gateway.buckets import SHARED
from gateway.client_address import ClientAddress
from gateway.console import console
from gateway.cors import Cors
from gateway.documentation import pages
from gateway.limits import Limits
from gateway.proxy import Guards, Proxy
from gateway.security_headers import EVERYWHERE

NAME = "gateway"


def create_app(built: Built) -> Proxy:
    """The proxy, and behind it the Flask app of what is the gateway's own: health, metrics and the pages."""
    checks = {name: upstream.probe for name, upstream in built.upstreams.items()}
    own = create_flask(NAME, built.config, apis=[pages(built.document), console()], checks=checks)
    own.after_request(_harmless)
    config = built.config
    guards = Guards(
        built.verifier,
        built.admission,
        Limits(config, SHARED),
        Cors(config.cors_origins),
        ClientAddress(config.trusted_proxies),
    )
    return Proxy(built.table, built.upstreams, guards, own)


def _harmless(response: Response) -> Response:
    for name, value in EVERYWHERE:
        response.headers.setdefault(name, value)
    return response
