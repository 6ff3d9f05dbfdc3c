"""The web process, run by gunicorn."""

from chassis import logs
from review_service import events
from review_service.app import create_app
from review_service.bootstrap import build
from review_service.config import Config

config = Config.read_or_exit()
logs.configure(events.SOURCE, "web", config.log_level)
app = create_app(build(config))
