"""The web process, run by gunicorn."""

from chassis import logs
from gateway.app import NAME, create_app
from gateway.bootstrap import build
from gateway.config import Config

config = Config.read_or_exit()
logs.configure(NAME, "web", config.log_level)
app = create_app(build(config))
