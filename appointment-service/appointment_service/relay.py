"""The relay process: publishes what the outboxes hold."""

from appointment_service import events, store
from appointment_service.bootstrap import build, migrator
from appointment_service.config import Config
from chassis import telemetry
from chassis.relay import relay

config = Config.read_or_exit()
telemetry.begin(config, events.SOURCE, "relay")

if __name__ == "__main__":
    database = build(config).database
    migrator(database).keep_repeating()
    relay(events.SOURCE, config, database, store.OUTBOXES).run()
