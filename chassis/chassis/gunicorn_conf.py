"""gunicorn's settings, the same for every service: ``from chassis.gunicorn_conf import *`` in its gunicorn.conf.py."""

import os
from typing import Any

bind = f"{os.environ.get('BIND_HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "chassis.web_worker.DrainingWorker"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
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


def child_exit(server: Any, worker: Any) -> None:
    """A worker that ended keeps its counters in the sum, but not its gauges."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)
