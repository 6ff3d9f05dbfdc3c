"""The relay's side of the broker: a connection, a channel with confirms, one event on its way."""

import orjson
import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import NackError, UnroutableError

from chassis import amqp
from chassis.events import Event


class Unsendable(Exception):
    """An event that no repetition makes one: without id or type, or not to be written as JSON."""


def connect(amqp_url: str) -> BlockingConnection:
    """A connection on which nothing is waited for longer than half a minute."""
    parameters = pika.URLParameters(amqp_url)
    parameters.heartbeat = 30
    parameters.blocked_connection_timeout = 30
    return BlockingConnection(parameters)


def open_channel(connection: BlockingConnection, source: str, subscriptions: amqp.Subscriptions) -> BlockingChannel:
    """A channel that confirms, with the source's exchange and every subscriber's queue there."""
    channel = connection.channel()
    amqp.declare_source(channel, source, subscriptions)
    channel.confirm_delivery()
    return channel


def publish(channel: BlockingChannel, source: str, event: Event, *, mandatory: bool) -> bool:
    """Whether the broker confirmed that it has the event in a queue. Raises Unsendable."""
    try:
        event_id, kind, body = event["id"], event["type"], orjson.dumps(event)
    except (KeyError, TypeError) as error:
        raise Unsendable(repr(error)) from None
    if not (isinstance(event_id, str) and isinstance(kind, str)):
        raise Unsendable("id and type are text")
    properties = pika.BasicProperties(
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=pika.DeliveryMode.Persistent,
        message_id=event_id,
        type=kind,
        app_id=source,
    )
    try:
        channel.basic_publish(amqp.exchange(source), kind, body, properties, mandatory=mandatory)
    except (UnroutableError, NackError):
        return False
    return True


def pulse(channel: BlockingChannel, source: str) -> None:
    """Say to whoever listens for broadcasts that all is published."""
    channel.basic_publish(amqp.exchange(source), amqp.PULSE, orjson.dumps({"source": source}))
