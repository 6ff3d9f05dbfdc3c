"""Calls between services: an answer, the other side's refusal, or unavailability within the time given."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Timer
from typing import Any

import pytest

from chassis import context
from chassis.errors import ServiceUnavailable, error_envelope
from chassis.rpc import Question, Refused, RpcClient
from chassis.schemas import EventData
from chassis.standing import standing


@pytest.fixture
def client(things: Any) -> RpcClient:
    return RpcClient(things.env["AMQP_URL"])


@pytest.fixture
def called(things: Any) -> Iterator[Any]:
    with things.start("consumer") as consumer:
        yield consumer


@pytest.mark.usefixtures("called")
def test_a_result_comes_back(client: RpcClient, things: Any) -> None:
    assert client.call(things.name, "add", a=2, b=3) == 5
    assert client.call(things.name, "wait", seconds=0) is None
    # every consumer has this one
    assert client.call(things.name, "standing") == {"relay": False, "documents": 0, "oldestAt": None}


def test_a_database_tells_of_the_relay_and_of_what_waits_for_it(things: Any) -> None:
    first, second = things.event("t1"), things.event("t2")
    things.write(first)
    # of another collection with an outbox, too
    things.write(second, things.event("t3"), collection="stones")
    until = datetime.now(UTC) + timedelta(minutes=1)
    things.database["relay"].insert_one({"_id": "lease", "owner": "a relay", "until": until})
    assert standing(things.database) == {"relay": True, "documents": 2, "oldestAt": first["time"]}
    past = datetime.now(UTC) - timedelta(minutes=1)
    things.database["relay"].update_one({"_id": "lease"}, {"$set": {"until": past}})
    assert standing(things.database)["relay"] is False


@pytest.mark.usefixtures("called")
def test_the_request_id_goes_along(client: RpcClient, things: Any) -> None:
    with context.bound("web-1"):
        assert client.call(things.name, "request_id") == "web-1"
        # which leaves the name free for an argument of the method's own
        assert client.call(things.name, "echo", request_id="another") == "another"


@pytest.mark.usefixtures("called")
def test_a_handler_can_call_too(client: RpcClient, things: Any) -> None:
    assert client.call(things.name, "ask_another", timeout=10) == 3


@pytest.mark.usefixtures("called")
def test_a_refusal_passes_on_as_it_is(client: RpcClient, things: Any) -> None:
    with pytest.raises(Refused) as refused:
        client.call(things.name, "refuse")
    assert refused.value.status == 409
    assert error_envelope(refused.value) == {
        "success": False,
        "code": "TOO_MANY",
        "message": "That is too many.",
        "data": {"most": 3},
        "errors": [{"field": "a", "message": "is too many"}],
        "requestId": None,
    }


@pytest.mark.usefixtures("called")
def test_a_fault_of_the_other_side_is_unavailability_without_details(client: RpcClient, things: Any) -> None:
    for method, arguments in (
        ("explode", {}),
        ("odd", {}),
        ("nonsense", {}),
        ("add", {"a": 1}),
        ("add", {"a": 1, "b": 2, "c": 3}),
        ("__init__", {}),
    ):
        with pytest.raises(ServiceUnavailable) as away:
            client.call(things.name, method, **arguments)
        assert away.value.text == ServiceUnavailable.message
        assert away.value.data is None
        assert "canary" not in repr(away.value)
    assert client.call(things.name, "add", a=2, b=3) == 5


def test_nobody_to_call_is_known_at_once(client: RpcClient) -> None:
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable):
        client.call("nobody-service", "add", timeout=30, a=1, b=2)
    assert time.monotonic() - began < 15


def test_a_slow_one_is_waited_for_no_longer_than_asked(client: RpcClient, things: Any, called: Any) -> None:
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable):
        client.call(things.name, "wait", timeout=1, seconds=8)
    assert time.monotonic() - began < 7


def test_a_dead_one_is_waited_for_no_longer_and_does_not_do_it_later(client: RpcClient, things: Any) -> None:
    with things.start("consumer") as consumer:
        consumer.process.kill()
        consumer.process.wait()
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable):
        client.call(things.name, "add", timeout=1, a=1, b=2)
    assert time.monotonic() - began < 8
    with things.start("consumer") as consumer:
        assert client.call(things.name, "add", a=2, b=3) == 5
        # the call of the time when it was dead has expired
        assert consumer.output().count('"method":"add"') == 1


def test_no_broker_is_unavailability(client: RpcClient, link: Any) -> None:
    link.down()
    with pytest.raises(ServiceUnavailable):
        client.call("any-service", "add", timeout=1)


def test_a_silent_broker_does_not_hold_the_caller(client: RpcClient, link: Any) -> None:
    link.freeze()
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable):
        client.call("any-service", "add", timeout=1)
    assert time.monotonic() - began < 8


def test_a_broker_that_falls_silent_during_the_call_does_not_hold_the_caller_either(
    client: RpcClient, things: Any, link: Any, called: Any
) -> None:
    freezing = Timer(0.5, link.freeze)
    freezing.start()
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable):
        client.call(things.name, "wait", timeout=1.5, seconds=2)
    assert time.monotonic() - began < 8
    link.thaw()
    assert client.call(things.name, "add", a=1, b=1) == 2
    assert called.process.poll() is None


class Name(EventData):
    name: str


class Weighed(EventData):
    weight: int


@pytest.mark.usefixtures("called")
def test_of_an_answer_only_what_was_said_to_be_read_is_there(client: RpcClient, things: Any) -> None:
    assert Question(things.name, "describe", {"size": int}, Name).ask(client, size=3) == {"name": "a thing"}
    assert Question(things.name, "add", {"a": int, "b": int}, int).ask(client, a=1, b=2) == 3


@pytest.mark.usefixtures("called")
def test_an_answer_that_cannot_be_read_is_unavailability(client: RpcClient, things: Any) -> None:
    with pytest.raises(ServiceUnavailable):
        Question(things.name, "describe", {"size": int}, Weighed).ask(client, size=3)


def test_another_answer_than_promised_is_not_sent(called: Any, client: RpcClient, things: Any) -> None:
    with pytest.raises(ServiceUnavailable):
        client.call(things.name, "describe", size="a canary")
    assert "canary" not in called.output()
