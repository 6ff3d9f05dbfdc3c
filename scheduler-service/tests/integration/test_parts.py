"""How the other services' parts are, as an admin is told."""

from collections.abc import Iterator
from typing import Any

import pika
import pytest
from flask.testing import FlaskClient
from stand_ins import Building, peer

from chassis import amqp
from chassis.events import subscriptions
from devkit.link import Link
from devkit.testing import CONTRACTS, bearer, queue_state
from devkit.waiting import eventually
from scheduler_service.app import create_app
from scheduler_service.parts import LOOKED_AT

ADMIN = bearer("boss", role="admin")
DEAD, RETRIES = amqp.dead_letters("review-service"), amqp.retries("review-service")
EVENTS = amqp.queue("review-service", "user-service", "user-deleted")
SERVICES = sorted(subscriptions(CONTRACTS))


@pytest.fixture
def channel(amqp_url: str) -> Iterator[Any]:
    """With review-service's queues, which nobody else of this session has."""
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for name in (DEAD, RETRIES, EVENTS):
            channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})
        yield channel
        for name in (DEAD, RETRIES, EVENTS):
            channel.queue_delete(name)


def die(channel: Any, reason: str, at: str = "2030-01-31T09:00:00Z", *, queue: str = EVENTS) -> None:
    note = {"reason": reason, "queue": queue, "at": at, "exchange": "x", "routingKey": "k", "eventId": None}
    properties = pika.BasicProperties(headers={amqp.DEAD_LETTER: note})
    channel.basic_publish("", DEAD, b'{"name": "canary"}', properties, mandatory=True)


def asked(client: FlaskClient, what: str) -> Any:
    answer = client.get(f"/api/v1/admin/{what}", headers=ADMIN)
    assert answer.status_code == 200, answer.json
    assert "canary" not in answer.text
    return {item["service"]: item for item in answer.json["data"]["items"]}


def test_dead_letters_are_told_by_origin_and_reason_and_all_of_them_stay(
    client: FlaskClient, channel: Any, amqp_url: str
) -> None:
    assert "review-service" not in asked(client, "dead-letters")
    for at in ("2030-01-31T10:00:00Z", "2030-01-31T09:00:00Z"):
        die(channel, "not a user-deleted", at)
    die(channel, "x" * 1000, queue="elsewhere")
    for _ in range(2):
        told = asked(client, "dead-letters")
        assert told["review-service"]["count"] == 3
        first, second = told["review-service"]["groups"]
        reason = "not a user-deleted"
        assert first == {"queue": EVENTS, "reason": reason, "count": 2, "oldestAt": "2030-01-31T09:00:00Z"}
        assert (second["queue"], len(second["reason"]), second["count"]) == ("elsewhere", 300, 1)
        # given back as the connection ends
        eventually(lambda: queue_state(amqp_url, DEAD)[0] == 3)


def test_of_many_dead_letters_all_are_counted_and_some_looked_at(client: FlaskClient, channel: Any) -> None:
    for _ in range(LOOKED_AT + 5):
        die(channel, "not so")
    told = asked(client, "dead-letters")["review-service"]
    assert (told["count"], told["groups"][0]["count"]) == (LOOKED_AT + 5, LOOKED_AT)


def test_what_waits_is_counted_and_a_consumer_tells_of_its_relay(
    client: FlaskClient, channel: Any, amqp_url: str
) -> None:
    for name, count in ((EVENTS, 3), (RETRIES, 2), (DEAD, 1)):
        for _ in range(count):
            channel.basic_publish("", name, b"canary", mandatory=True)
    standing = {"relay": False, "documents": 4, "oldestAt": "2030-01-31T09:00:00Z"}
    with peer(amqp_url, "review-service", standing=lambda: standing):
        told = asked(client, "health")
    assert sorted(told) == SERVICES
    assert told["review-service"] == {
        "service": "review-service",
        "consumer": "ok",
        "relay": "away",
        "outbox": {"documents": 4, "oldestAt": "2030-01-31T09:00:00Z"},
        "queues": {"waiting": 3, "retrying": 2, "deadLetters": 1},
    }
    # nobody else is there, and nobody else's queues are
    alone = {"consumer": "away", "relay": None, "outbox": None}
    nothing = {"waiting": 0, "retrying": 0, "deadLetters": 0}
    assert told["user-service"] == {"service": "user-service", **alone, "queues": nothing}


def test_without_the_broker_nothing_is_claimed_to_be_known(
    built_from: Building, linked: dict[str, str], link: Link
) -> None:
    with built_from(linked) as web:
        client = create_app(web).test_client()
        link.down()
        for what in ("health", "dead-letters"):
            answer = client.get(f"/api/v1/admin/{what}", headers=ADMIN)
            assert (answer.status_code, answer.json["code"]) == (503, "SERVICE_UNAVAILABLE")
            assert "Retry-After" in answer.headers
