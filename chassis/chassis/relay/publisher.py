"""A connection to the broker on which many messages may be under way, each of them confirmed or returned."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import pika
from pika.channel import Channel
from pika.exceptions import AMQPError
from pika.frame import Method

from chassis import amqp

HEARTBEAT_SECONDS = 10
OPEN_SECONDS = 10.0
DECLARE_SECONDS = 30.0
CONFIRM_SECONDS = 10.0
BLOCKED_SECONDS = 60.0
STOP_SECONDS = 2.0
CLOSE_SECONDS = 1.0
_TICK_SECONDS = 0.1


class BrokerAway(Exception):
    """The broker cannot be reached, ended the connection, or does not answer in time."""


@dataclass(frozen=True)
class Message:
    event_id: str
    kind: str
    body: bytes
    mandatory: bool
    """Whether it must reach a queue."""


class Publisher:
    """From the block's beginning to its end: the source's exchange and queues are declared, messages confirmed.

    pika's BlockingConnection waits for each confirm, a round trip and a write to disk each; here all messages of a
    call are sent first. It runs in its caller's thread, and only while that waits here. Nothing waits without a limit,
    nor for longer than two seconds once ``stopping`` answers true; ``beat`` is called meanwhile.
    """

    def __init__(
        self,
        url: str,
        source: str,
        subscriptions: amqp.Subscriptions,
        *,
        stopping: Callable[[], bool],
        beat: Callable[[], None],
    ) -> None:
        self._source = source
        self._subscriptions = subscriptions
        self._stopping = stopping
        self._beat = beat
        self._parameters = pika.URLParameters(url)
        self._parameters.heartbeat = HEARTBEAT_SECONDS
        self._parameters.socket_timeout = OPEN_SECONDS
        self._ended: BaseException | None = None
        self._opened = False
        self._ready = False
        self._blocked = False
        self._last_tag = 0
        self._under_way: dict[int, int] = {}
        self._taken: list[bool | None] = []
        self._returned: set[str] = set()

    def __enter__(self) -> "Publisher":
        """Raises BrokerAway."""
        self._connection = pika.SelectConnection(
            self._parameters,
            on_open_callback=self._on_open,
            on_open_error_callback=self._on_end,
            on_close_callback=self._on_end,
        )
        try:
            self._connection.add_on_connection_blocked_callback(self._on_blocked)
            self._connection.add_on_connection_unblocked_callback(self._on_unblocked)
            self._run_until(lambda: self._opened, OPEN_SECONDS)
            self._run_until(lambda: self._ready, DECLARE_SECONDS)
            self.check()
            if not self._ready:
                raise BrokerAway("it does not answer")
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._close()

    def check(self) -> None:
        """Raises BrokerAway if the connection ended, or a message was not confirmed in time."""
        if self._ended:
            raise BrokerAway(repr(self._ended))
        if self._under_way:
            raise BrokerAway(f"{len(self._under_way)} messages are not confirmed")

    def serve(self) -> None:
        """Do what the connection needs from time to time, heartbeats above all. Raises BrokerAway."""
        self._run_for(0)
        self.check()

    def publish(self, messages: Sequence[Message]) -> list[bool | None]:
        """For each message whether a queue took it; None if that is not known, and then ``check`` raises."""
        self.check()
        self._taken = [None] * len(messages)
        self._returned.clear()
        for index, message in enumerate(messages):
            self._channel.basic_publish(
                amqp.exchange(self._source),
                message.kind,
                message.body,
                pika.BasicProperties(
                    content_type="application/json",
                    content_encoding="utf-8",
                    delivery_mode=pika.DeliveryMode.Persistent,
                    message_id=message.event_id,
                    type=message.kind,
                    app_id=self._source,
                ),
                mandatory=message.mandatory,
            )
            self._last_tag += 1
            self._under_way[self._last_tag] = index
        self._messages = messages
        self._run_until(lambda: not self._under_way, CONFIRM_SECONDS)
        return self._taken

    def _run_until(self, done: Callable[[], bool], seconds: float) -> None:
        began = time.monotonic()
        limit = seconds
        while not done() and not self._ended:
            waited = time.monotonic() - began
            if self._stopping():
                limit = min(limit, waited + STOP_SECONDS)
            # What is sent to a blocked connection is read when it is free again: sending it anew makes copies.
            elif self._blocked:
                limit = max(limit, BLOCKED_SECONDS)
            if waited >= limit:
                return
            self._run_for(_TICK_SECONDS)
            self._beat()

    def _run_for(self, seconds: float) -> None:
        """Run the connection until one of its callbacks stops it, but not for longer."""
        loop = self._connection.ioloop
        timer = loop.call_later(seconds, loop.stop)
        loop.start()
        loop.remove_timeout(timer)

    def _close(self) -> None:
        with suppress(AMQPError):
            if not self._connection.is_closed and not self._connection.is_closing:
                self._connection.close()
            deadline = time.monotonic() + CLOSE_SECONDS
            while not self._connection.is_closed and time.monotonic() < deadline:
                self._run_for(_TICK_SECONDS)
        self._connection.ioloop.close()

    def _on_open(self, connection: Any) -> None:
        self._opened = True
        connection.channel(on_open_callback=self._on_channel)
        connection.ioloop.stop()

    def _on_channel(self, channel: Channel) -> None:
        self._channel = channel
        channel.add_on_close_callback(self._on_end)
        channel.add_on_return_callback(self._on_return)
        # without a callback nobody waits for each answer; a refusal closes the channel
        amqp.declare_source(channel, self._source, self._subscriptions)
        channel.confirm_delivery(self._on_confirm, callback=self._on_confirming)

    def _on_confirming(self, _: Any) -> None:
        self._ready = True
        self._connection.ioloop.stop()

    def _on_return(self, _channel: Channel, _method: Any, properties: pika.BasicProperties, _body: bytes) -> None:
        # comes before the same message's confirm
        self._returned.add(str(properties.message_id))

    def _on_confirm(self, frame: Method) -> None:
        answer = frame.method
        if answer.multiple:
            tags = [tag for tag in self._under_way if tag <= answer.delivery_tag]
        else:
            tags = [answer.delivery_tag]
        for tag in tags:
            index = self._under_way.pop(tag)
            kept = isinstance(answer, pika.spec.Basic.Ack) and self._messages[index].event_id not in self._returned
            self._taken[index] = kept
        if not self._under_way:
            self._connection.ioloop.stop()

    def _on_blocked(self, *_: Any) -> None:
        self._blocked = True

    def _on_unblocked(self, *_: Any) -> None:
        self._blocked = False

    def _on_end(self, _: Any, reason: Any) -> None:
        self._ended = self._ended or reason
        self._connection.ioloop.stop()
