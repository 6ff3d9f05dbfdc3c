"""The web process, run by gunicorn."""

from chassis import logs
from user_service import events
from user_service.app import create_app
from user_service.bootstrap import build
from user_service.config import Config

config = Config.read_or_exit()
logs.configure(events.SOURCE, "web", config.log_level)
app = create_app(build(config))
