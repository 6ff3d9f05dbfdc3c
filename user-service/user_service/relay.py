"""The relay process: publishes what the outboxes hold."""

from chassis import telemetry
from chassis.relay import relay
from user_service import events, store
from user_service.bootstrap import build, migrator
from user_service.config import Config
from user_service.looks import looks

config = Config.read_or_exit()
telemetry.begin(config, events.SOURCE, "relay")

if __name__ == "__main__":
    database = build(config).database
    migrator(database).keep_repeating()
    relay(events.SOURCE, config, database, store.OUTBOXES, looks=looks(database)).run()
