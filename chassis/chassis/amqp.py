"""The names and properties of exchanges and queues, said once for relay, consumers and tools."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

Subscriptions = dict[str, dict[str, list[str]]]

PULSE = "pulse"
"""Routing key of what a relay with broadcasts says each second: all that was committed before is published."""

DELIVERY_LIMIT = 1000
"""High, because a crash of the consumer counts as a delivery of each message it had prefetched (ADR 0004)."""


def exchange(source: str) -> str:
    """The topic exchange that a service publishes to; the routing key is the event's type."""
    return f"{source}.events"


def queue(consumer: str, source: str, kind: str) -> str:
    """The consumer's own queue for one event."""
    return f"{consumer}.{source}.{kind}"


def dead_letters(consumer: str) -> str:
    """Where the messages go that a service can't handle."""
    return f"{consumer}.dead-letters"


def retries(consumer: str) -> str:
    """Where messages wait whose handling failed: a fanout exchange and the one queue bound to it.

    The routing key is the queue that a message goes back to when its time is over.
    """
    return f"{consumer}.retries"


def queue_arguments(consumer: str) -> dict[str, Any]:
    """A quorum queue whose refused messages reach the dead-letter queue for sure (at-least-once)."""
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead_letters(consumer),
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


DEAD_LETTER_ARGUMENTS = {"x-queue-type": "quorum"}

RETRIES_ARGUMENTS = {
    "x-queue-type": "quorum",
    "x-dead-letter-exchange": "",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}

DEAD_LETTER = "dead-letter"
"""Header of a dead letter: {reason, queue, exchange, routingKey, at, eventId or None}.

One that the broker put there has ``x-death`` instead (https://www.rabbitmq.com/docs/dlx), which is newer if both are.
"""

FAILURES = "failures"
"""Header: how often a handler failed at the message since it was last published or redriven."""

REDRIVEN = "redriven"
"""Header: how often the message was put back from the dead letters."""

_OF_THE_BROKER = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count")
# these would send copies to other queues
_ROUTING = ("CC", "BCC")


def lasting(headers: dict[str, Any]) -> dict[str, Any]:
    """The headers that stay with a message as it moves from queue to queue: not what tells of one stay in a queue."""
    return {
        name: value
        for name, value in headers.items()
        if not name.startswith(_OF_THE_BROKER) and name not in (*_ROUTING, DEAD_LETTER)
    }


def event_id(message: Any) -> str | None:
    """The id of a message that may be an event; None where there is none, or one that is no plain token."""
    found = message.get("id") if isinstance(message, dict) else None
    return found if isinstance(found, str) and re.fullmatch(r"[0-9A-Za-z_.:-]{1,64}", found) else None


def queues_of(consumer: str, subscriptions: Subscriptions) -> list[str]:
    """The consumer's own queues, one for each event that it subscribes to."""
    sources = subscriptions.get(consumer, {})
    return [queue(consumer, source, kind) for source, kinds in sources.items() for kind in kinds]


def queues_of_source(source: str, subscriptions: Subscriptions) -> Iterator[tuple[str, str]]:
    """(consumer, event type) of everyone who subscribes to a service."""
    for consumer, sources in subscriptions.items():
        for kind in sources.get(source, ()):
            yield consumer, kind


def kinds_of_source(source: str, table: Subscriptions) -> set[str]:
    """The event types of a service that anyone in the table listens to."""
    return {kind for _, kind in queues_of_source(source, table)}


def declare_source(channel: "BlockingChannel", source: str, subscriptions: Subscriptions) -> None:
    """Declare a publisher's exchange and every queue bound to it.

    The publisher does this and not only the consumers, so that an event published before a consumer's first
    start waits for it in its queue. Declaring again changes nothing.
    """
    channel.exchange_declare(exchange(source), "topic", durable=True)
    for consumer, kind in queues_of_source(source, subscriptions):
        channel.queue_declare(dead_letters(consumer), durable=True, arguments=DEAD_LETTER_ARGUMENTS)
        name = queue(consumer, source, kind)
        channel.queue_declare(name, durable=True, arguments=queue_arguments(consumer))
        channel.queue_bind(name, exchange(source), kind)
