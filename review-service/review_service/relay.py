"""The relay process: publishes what the outboxes hold."""

from chassis import telemetry
from chassis.relay import relay
from review_service import events, store
from review_service.bootstrap import build, migrator
from review_service.config import Config

config = Config.read_or_exit()
telemetry.begin(config, events.SOURCE, "relay")

if __name__ == "__main__":
    database = build(config).database
    migrator(database).keep_repeating()
    relay(events.SOURCE, config, database, store.OUTBOXES).run()
