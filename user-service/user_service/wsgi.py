"""The web process, run by gunicorn."""

from chassis import telemetry
from chassis.config import IN_A_WORKER
from user_service import events
from user_service.app import create_app
from user_service.bootstrap import build
from user_service.config import Config

config = Config.read_or_exit(IN_A_WORKER)
telemetry.begin(config, events.SOURCE, "web")
app = create_app(build(config))
