"""The command of the migrations: ``python -m auth_service.migrate up | down [TO] | status``."""

import sys

from auth_service import events
from auth_service.bootstrap import migrator
from auth_service.config import Config
from chassis import logs, migrations
from chassis.mongo import Database

config = Config.read_or_exit()
logs.configure(events.SOURCE, "migrate", config.log_level)

if __name__ == "__main__":
    raise SystemExit(migrations.run(migrator(Database(config.mongodb_uri, events.SOURCE)), sys.argv[1:]))
