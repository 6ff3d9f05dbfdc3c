"""The queues of events, seen from the broker."""

import json
from typing import Protocol

import pika

from chassis import amqp
from devkit.layout import ROOT


class Suite(Protocol):
    """Whatever has a broker."""

    @property
    def amqp_url(self) -> str: ...


def event_queues() -> list[str]:
    """Every queue of events, of what is to be tried again, and of dead letters."""
    table = json.loads((ROOT / "contracts" / "subscriptions.json").read_text())
    events = [queue for consumer in table for queue in amqp.queues_of(consumer, table)]
    return [*events, *map(amqp.retries, table), *map(amqp.dead_letters, table)]


def busy_queues(suite: Suite) -> list[str]:
    """Every queue with messages that nobody has taken yet."""
    with pika.BlockingConnection(pika.URLParameters(suite.amqp_url)) as connection:
        channel = connection.channel()
        return [n for n in event_queues() if channel.queue_declare(n, passive=True).method.message_count]
