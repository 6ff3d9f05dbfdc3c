"""The web process, run by gunicorn."""

from appointment_service import events
from appointment_service.app import create_app
from appointment_service.bootstrap import build
from appointment_service.config import Config
from chassis import telemetry
from chassis.config import IN_A_WORKER

config = Config.read_or_exit(IN_A_WORKER)
telemetry.begin(config, events.SOURCE, "web")
app = create_app(build(config))
