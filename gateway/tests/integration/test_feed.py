"""The feed alone, on a real broker: what completes its knowledge, and what does not."""

import threading
import time
from datetime import timedelta

import pika

from chassis import amqp
from chassis.clock import instant_text, new_id, now
from devkit.link import Link
from devkit.testing import example, publish
from devkit.waiting import eventually
from gateway.feed import Feed, Source
from gateway.revocations import Freshness, Revocations

KINDS = ["session-revoked"]


def test_a_snapshot_begun_over_an_earlier_connection_completes_nothing(link: Link) -> None:
    turns = [threading.Event(), threading.Event()]
    begun: list[threading.Event] = []
    freshness = Freshness()

    def learn() -> None:
        begun.append(turns[len(begun)])
        begun[-1].wait(10)

    feed = Feed(link.url, [Source("auth-service", KINDS, freshness, learn)], Revocations())
    feed.start()
    try:
        eventually(lambda: len(begun) == 1)
        link.down()
        link.up()
        eventually(lambda: len(begun) == 2)
        turns[0].set()
        eventually(lambda: [thread.name for thread in threading.enumerate()].count("snapshot-auth-service") == 1)
        assert freshness.is_stale(time.monotonic())
        turns[1].set()
        eventually(lambda: not freshness.is_stale(time.monotonic()))
    finally:
        feed.stop()
    assert freshness.is_stale(time.monotonic())


def test_it_works_before_any_relay_ran_and_misses_nothing_while_the_snapshot_is_taken(
    link: Link, amqp_url: str
) -> None:
    name = f"service-{new_id()}"
    taking, taken = threading.Event(), threading.Event()
    freshness, revocations = Freshness(), Revocations()

    def learn() -> None:
        taking.set()
        taken.wait(10)

    feed = Feed(link.url, [Source(name, KINDS, freshness, learn)], revocations)
    feed.start()
    try:
        assert taking.wait(10)
        until = instant_text(now() + timedelta(minutes=15))
        publish(amqp_url, example("session-revoked", until=until), source=name)
        taken.set()
        eventually(lambda: len(revocations) == 1 and not freshness.is_stale(time.monotonic()))
    finally:
        feed.stop()
        with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
            connection.channel().exchange_delete(amqp.exchange(name))
