"""The relay process: publishes what the outboxes hold."""

from chassis import telemetry
from chassis.relay import relay
from scheduler_service import events, store
from scheduler_service.bootstrap import build, migrator
from scheduler_service.broker import QUEUE, RINGS
from scheduler_service.config import Config
from scheduler_service.looks import looks

config = Config.read_or_exit()
telemetry.begin(config, events.SOURCE, "relay")

if __name__ == "__main__":
    database = build(config).database
    migrator(database).keep_repeating()
    relay(events.SOURCE, config, database, store.OUTBOXES, queues=[QUEUE, RINGS], looks=looks(database)).run()
