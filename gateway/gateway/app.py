"""The WSGI app: wiring only."""

from chassis.web import create_flask
from gateway.bootstrap import Built
from gateway.cors import Cors
from gateway.documentation import pages
from gateway.proxy import Proxy

NAME = "gateway"


def create_app(built: Built) -> Proxy:
    """The proxy, and behind it the Flask app of what is the gateway's own: health, metrics and the documentation."""
    checks = {name: upstream.probe for name, upstream in built.upstreams.items()}
    own = create_flask(NAME, built.config, apis=[pages(built.document)], checks=checks)
    return Proxy(built.table, built.upstreams, built.verifier, built.admission, Cors(built.config.cors_origins), own)
