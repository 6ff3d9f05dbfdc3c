"""The real relay process: the receipt of an erasure reaches who waits for it."""

import json

import pika

from chassis import amqp
from chassis.clock import new_id
from chassis.tombstones import receipt
from devkit.testing import assert_valid, running
from devkit.waiting import eventually
from scheduler_service.bootstrap import Built


def test_a_receipt_is_published_and_leaves_the_outbox(built: Built, env: dict[str, str], amqp_url: str) -> None:
    user_id = new_id()
    announcement = receipt("scheduler-service", user_id)
    built.database.transact(lambda session: built.tombstones.bury(user_id, announcement, session))
    name = amqp.queue("user-service", "scheduler-service", "user-data-erased")
    with running("scheduler_service.relay", env):
        eventually(lambda: (built.database["tombstones"].find_one({"_id": user_id}) or {"outbox": 1})["outbox"] == [])
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        found = []
        while (got := channel.basic_get(name, auto_ack=True))[0] is not None:
            found.append(json.loads(got[2]))
    (event,) = [event for event in found if event["subject"] == user_id]
    assert_valid(event)
