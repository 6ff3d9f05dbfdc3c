"""The real relay process: what the gateways hear."""

import json
from typing import Any

import pika
from people import People

from chassis import amqp
from devkit.testing import running
from devkit.waiting import eventually


def test_a_revocation_is_broadcast_and_then_a_pulse(people: People, env: dict[str, str], amqp_url: str) -> None:
    exchange = amqp.exchange("auth-service")
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        channel.exchange_declare(exchange, "topic", durable=True)
        queue = channel.queue_declare("", exclusive=True).method.queue
        for key in ("session-revoked", amqp.PULSE):
            channel.queue_bind(queue, exchange, key)
        heard: list[tuple[str, Any]] = []

        def hear() -> bool:
            method, _, body = channel.basic_get(queue, auto_ack=True)
            if method is not None:
                heard.append((method.routing_key, json.loads(body)))
            return bool(heard) and heard[-1][0] == amqp.PULSE

        account = people.sign_up()
        people.log_out(account)
        with running("auth_service.relay", env):
            eventually(hear)
    told = [event["data"]["sessionIds"] for key, event in heard if key == "session-revoked"]
    assert [account["sessionId"]] in told
    assert people.revocations(account)[0]["outbox"] == []
