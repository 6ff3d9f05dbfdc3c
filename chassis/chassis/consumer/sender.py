"""Publishing from a consumer: confirmed by the broker, and bounded in time whatever becomes of it."""

from contextlib import suppress
from typing import Any

import eventlet
from amqp import Message
from kombu import Connection

SEND_SECONDS = 5.0
"""For connecting, publishing and the broker's confirmation together."""

_KEPT = 4


class NotSent(Exception):
    """Not confirmed: the broker may have the message all the same."""


class Sender:
    """Publishes over a few connections of its own, apart from the one that is consumed from.

    They are kept, each used by one greenlet at a time; one that failed in any way is dropped.
    """

    def __init__(self, amqp_url: str) -> None:
        self._amqp_url = amqp_url
        self._kept: list[Connection] = []

    def send(self, body: str | bytes, exchange: str, routing_key: str, mandatory: bool, **properties: Any) -> None:
        """Returns once the broker has the message safe. Raises NotSent, after 10 s at most."""
        # one that was idle may have broken unnoticed: that alone is no reason to give up
        if self._kept:
            with suppress(NotSent):
                self._send(self._kept.pop(), Message(body, **properties), exchange, routing_key, mandatory)
                return
        connection = Connection(
            self._amqp_url, connect_timeout=SEND_SECONDS, transport_options={"confirm_publish": True}
        )
        self._send(connection, Message(body, **properties), exchange, routing_key, mandatory)

    def close(self) -> None:
        while self._kept:
            self._kept.pop().collect()

    def _send(self, connection: Connection, message: Message, exchange: str, routing_key: str, mandatory: bool) -> None:
        try:
            with eventlet.Timeout(SEND_SECONDS, TimeoutError("no confirmation")):
                connection.connect()
                connection.default_channel.basic_publish(message, exchange, routing_key, mandatory=mandatory)
        except Exception as error:
            # whatever came of it: a late confirmation would be taken for the next message's, were the connection kept
            with suppress(Exception):
                connection.collect()
            raise NotSent(type(error).__name__) from error
        if len(self._kept) < _KEPT:
            self._kept.append(connection)
        else:
            connection.collect()
