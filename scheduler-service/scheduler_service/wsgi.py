"""The web process, run by gunicorn."""

from chassis import telemetry
from chassis.config import IN_A_WORKER
from scheduler_service import events
from scheduler_service.app import create_app
from scheduler_service.bootstrap import build
from scheduler_service.config import Config

config = Config.read_or_exit(IN_A_WORKER)
telemetry.begin(config, events.SOURCE, "web")
app = create_app(build(config))
