"""The web process, run by gunicorn."""

import atexit

from chassis import telemetry
from chassis.config import IN_A_WORKER
from gateway.app import NAME, create_app
from gateway.bootstrap import build
from gateway.config import Config

config = Config.read_or_exit(IN_A_WORKER)
telemetry.begin(config, NAME, "web")
built = build(config)
app = create_app(built)
# here, for this is imported in the worker, after the fork
built.feed.start()
atexit.register(built.feed.stop)
