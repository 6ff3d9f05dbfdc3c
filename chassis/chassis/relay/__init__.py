"""The relay: publishes what the outboxes hold; one of several at a time (ADR 0020)."""

from collections.abc import Sequence

from chassis import amqp
from chassis.config import DataConfig
from chassis.events import broadcasts, subscriptions
from chassis.heartbeat import Heartbeat
from chassis.mongo import Database
from chassis.relay.looking import Look
from chassis.relay.process import BATCH, EVENTS, Relay

__all__ = ["BATCH", "EVENTS", "Relay", "relay"]


def relay(
    source: str,
    config: DataConfig,
    database: Database,
    collections: Sequence[str],
    *,
    queues: Sequence[str] = (),
    looks: Sequence[Look] = (),
) -> Relay:
    """The relay of a service, for its ``relay.py``.

    Where it serves metrics they tell of the queues of the service's events, of ``queues`` that it has besides, and of
    what ``looks`` find in its database.
    """
    table = subscriptions(config.contracts_dir)
    return Relay(
        database,
        collections,
        source=source,
        amqp_url=config.amqp_url,
        subscriptions=table,
        broadcasts=broadcasts(config.contracts_dir),
        heartbeat=Heartbeat(config.heartbeat_file),
        queues=[*amqp.queues_of(source, table), amqp.retries(source), *queues],
        looks=looks if config.metrics_port else None,
    )
