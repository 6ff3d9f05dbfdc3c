"""The WSGI app: wiring only."""

from collections.abc import ItemsView, Iterator, Mapping

import gevent

from chassis.health import Check
from chassis.web import create_flask
from gateway.bootstrap import Built
from gateway.proxy import Proxy
from gateway.upstream import Upstream

NAME = "gateway"


def create_app(built: Built) -> Proxy:
    """The proxy, and behind it the Flask app of what is the gateway's own: health and metrics."""
    own = create_flask(NAME, built.config, apis=[], checks=Services(built.upstreams))
    return Proxy(built.table, built.upstreams, built.verifier, own)


class Services(Mapping[str, Check]):
    """The readiness checks of the services: asking for all of them begins all, so that they run side by side.

    One service that hangs then costs its two seconds once, and not what the others cost besides.
    """

    def __init__(self, upstreams: Mapping[str, Upstream]) -> None:
        self._probes = {name: upstream.probe for name, upstream in upstreams.items()}

    def __getitem__(self, name: str) -> Check:
        return self._probes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._probes)

    def __len__(self) -> int:
        return len(self._probes)

    def items(self) -> ItemsView[str, Check]:
        begun = {name: gevent.spawn(_outcome, probe) for name, probe in self._probes.items()}
        return {name: _conclusion(greenlet) for name, greenlet in begun.items()}.items()


def _outcome(probe: Check) -> Exception | None:
    try:
        probe()
    except Exception as error:
        return error
    return None


def _conclusion(greenlet: gevent.Greenlet) -> Check:
    def check() -> None:
        error = greenlet.get()
        if error is not None:
            raise error

    return check
