"""The broker as the gateway meets it: with relays that the tests play."""

from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

import pika

from chassis import amqp
from chassis.clock import instant_text, now
from devkit.testing import example, publish


class Relays:
    """The relays of auth-service and user-service as the gateway hears them: ``pulsing`` says who pulses."""

    def __init__(self, amqp_url: str) -> None:
        self._url = amqp_url
        self._ending = Event()
        self._thread = Thread(target=self._pulse, daemon=True)
        self.pulsing = {"auth-service", "user-service"}

    def __enter__(self) -> "Relays":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def say(self, event: Any, *, source: str | None = None, kind: str | None = None) -> None:
        """Publish an event, or anything else; fails if no gateway listens."""
        publish(self._url, event, source=source, kind=kind)

    def revoke(self, *session_ids: str, until: datetime | None = None) -> None:
        end = instant_text(until or now() + timedelta(minutes=15))
        self.say(example("session-revoked", sessionIds=list(session_ids), until=end))

    def _pulse(self) -> None:
        with pika.BlockingConnection(pika.URLParameters(self._url)) as connection:
            channel = connection.channel()
            for source in self.pulsing:
                amqp.declare_source(channel, source, {})
            while not self._ending.wait(0.1):
                for source in set(self.pulsing):
                    channel.basic_publish(amqp.exchange(source), amqp.PULSE, b"{}")
                connection.process_data_events(0)
