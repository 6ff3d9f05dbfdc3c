"""Connections to RabbitMQ that are bounded in time, for questions and tools; relay and consumers keep their own."""

import pika
from pika.adapters.blocking_connection import BlockingConnection
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError, ChannelClosedByBroker

AWAY = (AMQPError, AMQPConnectorException, OSError)
"""What pika raises while the broker is away."""


def bounded(url: str, seconds: float) -> pika.URLParameters:
    """Of a connection that waits no longer than ``seconds`` for its opening, or for an answer."""
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = seconds
    # what bounds the waiting for an answer
    parameters.heartbeat = max(1, int(seconds))
    parameters.connection_attempts = 1
    return parameters


def state(connection: BlockingConnection, queue: str) -> tuple[int, int] | None:
    """(messages ready, consumers) of a queue; None if there is no such queue, which costs the channel that asked."""
    channel = connection.channel()
    try:
        found = channel.queue_declare(queue, passive=True).method
    except ChannelClosedByBroker:
        return None
    channel.close()
    return found.message_count, found.consumer_count
