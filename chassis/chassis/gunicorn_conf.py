"""gunicorn's settings, the same for every service: ``from chassis.gunicorn_conf import *`` in its gunicorn.conf.py."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any


def _whole(name: str, without: int, least: int, most: int) -> int:
    """The variable's value; ends the start, naming it, where it is none from ``least`` to ``most``."""
    text = os.environ.get(name) or str(without)
    if not (text.isdecimal() and least <= int(text) <= most):
        print(f"configuration: {name}: must be a whole number from {least} to {most}", file=sys.stderr, flush=True)
        raise SystemExit(os.EX_CONFIG)
    return int(text)


bind = f"{os.environ.get('BIND_HOST') or '127.0.0.1'}:{_whole('PORT', 8000, 0, 65_535)}"
worker_class = "chassis.web_worker.DrainingWorker"
workers = _whole("WEB_CONCURRENCY", 1, 1, 256)
worker_connections = 1000
keepalive = 75
timeout = 60
# of what begins with SIGTERM: longer than the gateway waits for an answer (15 s), less than supervisord (30 s) and
# compose (40 s) wait for the process
graceful_timeout = 20
# our own log line says more, with the request id
accesslog = None
# a control socket per process would need a place of its own, and nothing here uses it
control_socket_disable = True


# where each worker counts, so that any can tell the sum; set before prometheus_client is imported, which looks for it
_made_here = not os.environ.get("PROMETHEUS_MULTIPROC_DIR")
if _made_here:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="metrics-")
_counts = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
_counts.mkdir(parents=True, exist_ok=True)


def child_exit(server: Any, worker: Any) -> None:
    """A worker that ended keeps its counters in the sum, but not its gauges."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    """What a dead process counted must not be added to what its successor counts."""
    if _made_here:
        shutil.rmtree(_counts, ignore_errors=True)
        return
    # a folder that was given may have more in it
    for counted in _counts.glob("*.db"):
        counted.unlink(missing_ok=True)
