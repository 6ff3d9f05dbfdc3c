"""The real consumer process on the real broker."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from chassis import amqp
from chassis.clock import new_id, now
from chassis.rpc import Refused, RpcClient
from devkit.testing import assert_every_queue_is_consumed, bearer, example, publish, queue_state, running
from devkit.waiting import eventually
from user_service import events
from user_service.bootstrap import Built

ME = "/api/v1/users/me"


@pytest.fixture(scope="module", autouse=True)
def consumer(env: dict[str, str]) -> Iterator[None]:
    with running("user_service.consumer", env):
        yield


@pytest.fixture
def rpc(amqp_url: str) -> RpcClient:
    return RpcClient(amqp_url)


def ask(rpc: RpcClient, method: str, **arguments: Any) -> Any:
    return rpc.call("user-service", method, timeout=15, **arguments)


def refusal(rpc: RpcClient, method: str, **arguments: Any) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        ask(rpc, method, **arguments)
    return refused.value.status, refused.value.code


def make_due(built: Built, user_id: str) -> None:
    past = now() - timedelta(seconds=1)
    built.database["users"].update_one({"_id": user_id}, {"$set": {"scheduledDeletionAt": past}})


def handled(built: Built, event: dict[str, Any]) -> None:
    eventually(lambda: built.database["inbox"].find_one({"_id": event["id"]}))


def emptied(amqp_url: str, source: str, kind: str) -> None:
    eventually(lambda: queue_state(amqp_url, amqp.queue("user-service", source, kind))[0] == 0)


def test_every_subscription_has_its_queue_and_consumer(amqp_url: str) -> None:
    assert_every_queue_is_consumed(amqp_url, "user-service")


def test_a_sign_up_makes_a_profile(built: Built, amqp_url: str, user_id: str) -> None:
    address = f"{user_id}@clinic.example"
    publish(amqp_url, example("user-registered", userId=user_id, email=address, name="Ann Lee"))
    eventually(lambda: built.database["users"].find_one({"_id": user_id, "email": address, "name": "Ann Lee"}))


def test_a_verification_is_kept_until_its_sign_up_comes(built: Built, amqp_url: str, user_id: str) -> None:
    verified = example("email-verified", userId=user_id)
    publish(amqp_url, verified)
    handled(built, verified)
    publish(amqp_url, example("user-registered", userId=user_id, email=f"{user_id}@clinic.example"))
    eventually(lambda: built.database["users"].find_one({"_id": user_id, "emailVerified": True}))


def test_appointments_tell_who_cares_for_whom(built: Built, amqp_url: str) -> None:
    appointment = new_id()
    publish(amqp_url, example("appointment-cancelled", appointmentId=appointment, version=2))
    eventually(lambda: built.database["relations"].find_one({"_id": appointment, "cancelled": True}))
    late = example("appointment-booked", appointmentId=appointment, version=1)
    publish(amqp_url, late)
    handled(built, late)
    assert built.database["relations"].find_one({"_id": appointment, "cancelled": True})


@pytest.mark.parametrize("source", ["auth-service", "doctor-service", "appointment-service", "scheduler-service"])
def test_what_a_service_recorded_is_in_the_audit_once(built: Built, amqp_url: str, source: str) -> None:
    event = example("audit-recorded", source=source, entryId=new_id(), refusedFor="INVALID_CREDENTIALS")
    # the same entry in another event too, as an outbox would tell it that was restored
    for recorded in (event, event, {**event, "id": new_id()}):
        publish(amqp_url, recorded)
    handled(built, recorded)
    [entry] = built.database["audit"].find({"_id": event["data"]["entryId"]})
    assert (entry["source"], entry["requestId"]) == (source, event["requestid"])
    assert {key: entry[key] for key in ("action", "refusedFor", "actorId", "address")} == {
        "action": "session.opened",
        "refusedFor": "INVALID_CREDENTIALS",
        "actorId": event["data"]["actorId"],
        "address": "203.0.113.7",
    }


def test_a_deleted_account_is_recovered_or_purged_by_call(client: FlaskClient, built: Built, rpc: RpcClient) -> None:
    back, gone = new_id(), new_id()
    for user_id in (back, gone):
        client.delete(ME, json={"reason": "OTHER"}, headers=bearer(user_id))
    make_due(built, gone)
    assert ask(rpc, "recover_account", user_id=back) == {"version": 3, "status": "ACTIVE"}
    assert refusal(rpc, "recover_account", user_id=back) == (409, "NOT_DELETED")
    assert refusal(rpc, "recover_account", user_id=gone) == (410, "NOT_RECOVERABLE")
    assert ask(rpc, "purge_due_accounts") == {"purged": 1}
    assert ask(rpc, "purge_due_accounts", limit=5) == {"purged": 0}


def test_late_erasures_are_announced_again_by_call(
    client: FlaskClient, built: Built, rpc: RpcClient, user_id: str
) -> None:
    client.delete(ME, json={"reason": "OTHER"}, headers=bearer(user_id))
    make_due(built, user_id)
    assert ask(rpc, "purge_due_accounts") == {"purged": 1}
    assert ask(rpc, "reannounce_late_erasures", limit=5) == {"reannounced": 0}
    long_ago = {"$set": {"announcedAt": now() - timedelta(hours=1)}}
    built.database["erasures"].update_one({"_id": user_id}, long_ago)
    assert ask(rpc, "reannounce_late_erasures", limit=5) == {"reannounced": 1}


def test_a_contact_is_told_by_call(client: FlaskClient, rpc: RpcClient, user_id: str) -> None:
    assert refusal(rpc, "contact", user_id=user_id) == (404, "NOT_FOUND")
    client.get(ME, headers=bearer(user_id))
    assert ask(rpc, "contact", user_id=user_id) == {
        "email": f"{user_id}@clinic.example",
        "name": "Pat Doe",
        "locale": None,
        "timezone": None,
        "status": "ACTIVE",
    }


def test_the_same_receipts_twice_take_effect_once(
    client: FlaskClient, built: Built, amqp_url: str, rpc: RpcClient, user_id: str
) -> None:
    client.delete(ME, json={"reason": "OTHER"}, headers=bearer(user_id))
    make_due(built, user_id)
    assert ask(rpc, "purge_due_accounts") == {"purged": 1}
    for service in events.HOLDERS:
        receipt = example("user-data-erased", source=service, userId=user_id, service=service)
        publish(amqp_url, receipt)
        publish(amqp_url, receipt)
        handled(built, receipt)
        eventually(
            lambda name=service: queue_state(amqp_url, amqp.queue("user-service", name, "user-data-erased"))[0] == 0
        )
    complete = eventually(lambda: built.database["erasures"].find_one({"_id": user_id, "completedAt": {"$ne": None}}))
    assert (complete["awaiting"], set(complete["receipts"])) == ([], set(events.HOLDERS))


def test_the_same_event_twice_takes_effect_once(built: Built, amqp_url: str) -> None:
    appointment = new_id()
    event = example("appointment-booked", appointmentId=appointment, version=1)
    publish(amqp_url, event)
    handled(built, event)
    # undone by hand: a second effect would show
    built.database["relations"].delete_one({"_id": appointment})
    publish(amqp_url, event)
    after = example("appointment-booked", appointmentId=new_id(), version=1)
    publish(amqp_url, after)
    handled(built, after)
    eventually(
        lambda: queue_state(amqp_url, amqp.queue("user-service", "appointment-service", "appointment-booked"))[0] == 0
    )
    assert built.database["relations"].find_one({"_id": appointment}) is None


@pytest.mark.parametrize("poison", [{}, [1], "text", {"id": "x", "source": "auth-service", "type": "user-registered"}])
def test_poison_lands_in_the_dead_letters(amqp_url: str, poison: Any) -> None:
    dead = amqp.dead_letters("user-service")
    before = queue_state(amqp_url, dead)[0]
    publish(amqp_url, poison, source="auth-service", kind="user-registered")
    eventually(lambda: queue_state(amqp_url, dead)[0] == before + 1)
