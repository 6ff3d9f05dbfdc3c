"""``/health/live`` and ``/health/ready``: is the process up, and can it do its work."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import structlog
from flask import Blueprint, Response

from chassis.api import render
from chassis.context import request_id
from chassis.errors import NotReady

log = structlog.get_logger(__name__)

Check = Callable[[], None]
"""Returns when its dependency answers, raises when it does not."""


def blueprint(checks: Mapping[str, Check]) -> Blueprint:
    """Liveness asks nothing; readiness runs every check and names each: 200 if all pass, else 503."""
    health = Blueprint("health", __name__, url_prefix="/health")

    @health.get("/live")
    def live() -> Response:
        return render(200, {"success": True, "message": "Alive.", "data": {"status": "ok"}})

    @health.get("/ready")
    def ready() -> Response:
        # side by side: what hangs costs its own time-out once, and not the others' besides
        with ThreadPoolExecutor(max(1, len(checks))) as pool:
            states = dict(zip(checks, pool.map(_state, checks, checks.values()), strict=True))
        if all(state == "ok" for state in states.values()):
            return render(200, {"success": True, "message": "Ready.", "data": {"status": "ok", "checks": states}})
        envelope = {
            "success": False,
            "message": NotReady.message,
            "code": NotReady.code,
            "requestId": request_id(),
            "data": {"status": "unavailable", "checks": states},
        }
        return render(NotReady.status, envelope, NotReady.headers)

    return health


def _state(name: str, check: Check) -> str:
    try:
        check()
    except Exception as error:
        # whatever a check raises means the same here: the dependency is not usable
        log.warning("dependency away", dependency=name, error=repr(error))
        return "unavailable"
    return "ok"
