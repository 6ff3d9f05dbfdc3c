"""The real relay process: receipts of erasures and entries of the audit reach who waits for them."""

import json
from typing import Any

import pika

from chassis import amqp
from chassis.clock import new_id
from chassis.tombstones import receipt
from devkit.testing import assert_valid, running
from devkit.waiting import eventually
from scheduler_service.bootstrap import Built


def taken(amqp_url: str, kind: str) -> list[dict[str, Any]]:
    """What user-service would have got of a kind."""
    found = []
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        name = amqp.queue("user-service", "scheduler-service", kind)
        while (got := channel.basic_get(name, auto_ack=True))[0] is not None:
            found.append(json.loads(got[2]))
    return found


def test_receipts_and_the_audit_are_published_and_leave_their_outboxes(
    built: Built, env: dict[str, str], amqp_url: str
) -> None:
    user_id = new_id()
    announcement = receipt("scheduler-service", user_id)
    built.database.transact(lambda session: built.tombstones.bury(user_id, announcement, session))
    run_id = built.jobs.start("deliver-mail", new_id())["_id"]
    with running("scheduler_service.relay", env):
        eventually(lambda: built.database["tombstones"].find_one({"_id": user_id, "outbox": []}))
        eventually(lambda: built.database["runs"].find_one({"_id": run_id, "outbox": []}))
    (erased,) = [event for event in taken(amqp_url, "user-data-erased") if event["subject"] == user_id]
    (entry,) = [event for event in taken(amqp_url, "audit-recorded") if event["data"]["objectId"] == run_id]
    for event in (erased, entry):
        assert_valid(event)
