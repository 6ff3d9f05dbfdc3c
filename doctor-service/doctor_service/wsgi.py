"""The web process, run by gunicorn."""

from chassis import logs
from doctor_service import events
from doctor_service.app import create_app
from doctor_service.bootstrap import build
from doctor_service.config import Config

config = Config.read_or_exit()
logs.configure(events.SOURCE, "web", config.log_level)
app = create_app(build(config))
