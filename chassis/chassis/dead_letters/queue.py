"""A service's queue of dead letters: looked at, put back from, taken out of; nothing in it is ever lost on the way."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pika
from pika.exceptions import ChannelClosedByBroker, NackError, UnroutableError, UnsupportedAMQPFieldException

from chassis import amqp
from chassis.dead_letters.letter import REDRIVABLE, Letter, read

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection


@dataclass
class Outcome:
    """What became of the letters that were looked at."""

    done: Counter[str] = field(default_factory=Counter)
    """How many of each id."""
    stayed: list[tuple[Letter, str]] = field(default_factory=list)
    """With why."""


class DeadLetterQueue:
    """What is taken from it without being acknowledged is back when its channel closes, however that comes about."""

    def __init__(self, connection: "BlockingConnection", service: str) -> None:
        self.service = service
        self._connection = connection

    @contextmanager
    def letters(self, limit: int | None = None) -> Iterator[tuple[int, Iterator[Letter], "BlockingChannel"]]:
        """(how many there are, the letters there are now and none that come later, their channel)."""
        channel = self._connection.channel()
        name = amqp.dead_letters(self.service)
        try:
            count = channel.queue_declare(name, passive=True).method.message_count
        except ChannelClosedByBroker:
            yield 0, iter(()), channel
            return

        def each() -> Iterator[Letter]:
            for _ in range(count if limit is None else min(count, limit)):
                method, properties, body = channel.basic_get(name)
                if method is None or properties is None or body is None:
                    return
                yield read(method.delivery_tag, properties, body)

        channel.confirm_delivery()
        try:
            yield count, each(), channel
        finally:
            if channel.is_open:
                channel.close()

    def redrive(self, now: datetime, *, wanted: Callable[[Letter], bool], limit: int | None, force: bool) -> Outcome:
        """Put letters back into the queues that they came from; what can't be stays, with the reason.

        Each is confirmed there before it is acknowledged here: whatever ends this in between, it is in both places
        then, and the inbox lets it take effect once.
        """
        outcome = Outcome()
        with self.letters(limit) as (_, letters, channel):
            for letter in letters:
                if not wanted(letter):
                    continue
                reason = self._obstacle(letter, now, force=force) or _put_back(channel, letter)
                if reason:
                    outcome.stayed.append((letter, reason))
                else:
                    channel.basic_ack(letter.tag)
                    outcome.done[letter.id] += 1
        return outcome

    def discard(self, *, wanted: Callable[[Letter], bool], limit: int | None) -> Outcome:
        """Drop letters for good."""
        outcome = Outcome()
        with self.letters(limit) as (_, letters, channel):
            for letter in letters:
                if wanted(letter):
                    channel.basic_ack(letter.tag)
                    outcome.done[letter.id] += 1
        return outcome

    def _obstacle(self, letter: Letter, now: datetime, *, force: bool) -> str | None:
        if not letter.queue:
            return "nothing tells which queue it came from"
        if not letter.queue.startswith(f"{self.service}.") or letter.queue == amqp.dead_letters(self.service):
            return f"it came from {letter.queue}, which is no queue of {self.service}'s"
        if letter.is_too_old(now) and not force:
            return (
                f"it is older than {REDRIVABLE.days} days, or of no known age: the inbox may have forgotten whether it "
                "took effect; --force puts it back all the same"
            )
        return None


def _put_back(channel: "BlockingChannel", letter: Letter) -> str | None:
    headers = {
        name: value for name, value in amqp.lasting(letter.properties.headers or {}).items() if name != amqp.FAILURES
    }
    properties: Any = pika.BasicProperties(
        content_type=letter.properties.content_type,
        content_encoding=letter.properties.content_encoding,
        message_id=letter.properties.message_id,
        type=letter.properties.type,
        app_id=letter.properties.app_id,
        timestamp=letter.properties.timestamp,
        correlation_id=letter.properties.correlation_id,
        delivery_mode=pika.DeliveryMode.Persistent,
        headers={**headers, amqp.REDRIVEN: letter.redriven + 1},
    )
    try:
        channel.basic_publish("", letter.queue or "", letter.body, properties, mandatory=True)
    except UnroutableError:
        return f"{letter.queue} does not exist"
    except NackError:
        return f"{letter.queue} takes no message now"
    except UnsupportedAMQPFieldException:
        return "its headers cannot be sent again"
    return None
