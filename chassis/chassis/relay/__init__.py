"""The relay: publishes what the outboxes hold; one of several at a time (ADR 0020)."""

from collections.abc import Sequence

from chassis.config import DataConfig
from chassis.events import broadcasts, subscriptions
from chassis.heartbeat import Heartbeat
from chassis.mongo import Database
from chassis.relay.process import BATCH, EVENTS, Relay

__all__ = ["BATCH", "EVENTS", "Relay", "relay"]


def relay(source: str, config: DataConfig, database: Database, collections: Sequence[str]) -> Relay:
    """The relay of a service, for its ``relay.py``."""
    return Relay(
        database,
        collections,
        source=source,
        amqp_url=config.amqp_url,
        subscriptions=subscriptions(config.contracts_dir),
        broadcasts=broadcasts(config.contracts_dir),
        heartbeat=Heartbeat(config.heartbeat_file),
    )
