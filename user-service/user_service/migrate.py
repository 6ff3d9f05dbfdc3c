"""The command of the migrations: ``python -m user_service.migrate up | down [TO] | status``."""

import sys

from chassis import logs, migrations
from chassis.mongo import Database
from user_service import events
from user_service.bootstrap import migrator
from user_service.config import Config

config = Config.read_or_exit()
logs.configure(events.SOURCE, "migrate", config.log_level)

if __name__ == "__main__":
    raise SystemExit(migrations.run(migrator(Database(config.mongodb_uri, events.SOURCE)), sys.argv[1:]))
