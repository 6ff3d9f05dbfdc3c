"""The consumer: each message takes effect once or is kept where it can be seen, whatever dies meanwhile."""

import pickle
import signal
import time
from typing import Any

import pytest

from chassis import amqp
from chassis.clock import new_id
from chassis.rpc import RpcClient
from devkit.testing import queue_state
from devkit.waiting import eventually, holds_within

# chassis.consumer's, which would patch the tests' own standard library
MOST_FAILURES = 20


def settled(things: Any) -> bool:
    """Nothing waits in the queue, and with no consumer nothing was given back to it either."""
    return queue_state(things.amqp_url, things.queue) == (0, 0)


def test_a_redelivery_takes_effect_once(things: Any) -> None:
    event = things.event("t1")
    with things.start("consumer") as consumer:
        for _ in range(3):
            things.publish(event)
        eventually(lambda: consumer.output().count("seen before") == 2)
        assert things.effect("t1") == 1
    assert settled(things)


def test_its_log_lines_carry_the_request_that_caused_the_event(things: Any) -> None:
    event = {**things.event("t1"), "requestid": "web-1"}
    with things.start("consumer") as consumer:
        things.publish(event)
        line = eventually(lambda: [line for line in consumer.output().splitlines() if '"handled"' in line])[0]
    assert '"request_id":"web-1"' in line
    assert event["id"] in line


def poison(things: Any) -> list[tuple[Any, dict[str, Any]]]:
    good = things.event("poison")
    return [
        (b"no JSON: canary", {}),
        (b"\xff\xfe", {}),
        (b"[" * 10_000, {}),
        (b"{}", {"content_encoding": "nonsense"}),
        (pickle.dumps({"id": "x"}), {"content_type": "application/x-python-serialize", "content_encoding": "binary"}),
        (b"{}", {"content_type": "text/plain"}),
        (b"{}", {"content_type": None, "content_encoding": None}),
        (b"[]", {}),
        (b'"text"', {}),
        (b"null", {}),
        (b"{}", {}),
        ({**good, "id": 5}, {}),
        ({**good, "id": ""}, {}),
        ({**good, "id": "x" * 256}, {}),
        ({**good, "source": "another"}, {}),
        ({**good, "type": "another"}, {}),
        ({**good, "data": None}, {}),
        ({**good, "data": {"thingId": 5}}, {}),
        ({**good, "data": {"thingId": "poison", "seconds": "canary"}}, {}),
    ]


def test_poison_goes_to_the_dead_letters_and_the_good_are_not_late(things: Any) -> None:
    bad = poison(things)
    with things.start("consumer") as consumer:
        began = time.monotonic()
        for number, (body, properties) in enumerate(bad):
            things.publish(body, **properties)
            things.publish(things.event(f"t{number}"))
        eventually(lambda: all(things.effect(f"t{number}") == 1 for number in range(len(bad))))
        assert time.monotonic() - began < 8
        eventually(lambda: queue_state(things.amqp_url, things.dead_letters)[0] == len(bad))
        assert "canary" not in consumer.output()
    assert settled(things)
    assert things.effect("poison") == 0
    letters = things.letters()
    assert all(letter.queue == things.queue and letter.died for letter in letters)
    assert {letter.reason.partition(":")[0] for letter in letters} == {
        "not readable as JSON",
        "not a JSON object",
        "no usable id",
        f"not a made from {things.source}",
        "data does not fit",
    }
    assert "canary" not in str([letter.properties.headers for letter in letters])
    # as it was, so that it can be put back
    assert {letter.body for letter in letters} >= {body for body, _ in bad if isinstance(body, bytes)}


def test_where_its_reason_cannot_be_kept_poison_is_a_dead_letter_all_the_same(things: Any) -> None:
    with things.start("consumer", BREAK="sending"):
        things.publish(b"[]")
        things.publish(things.event("t1", failures=1))
        letter = eventually(things.letters)[0]
        assert (letter.queue, letter.reason) == (things.queue, "refused, the consumer could not say why")
        eventually(lambda: things.effect("t1") == 1)


def test_odd_optional_parts_of_an_event_do_no_harm(things: Any) -> None:
    with things.start("consumer"):
        things.publish(
            {**things.event("t1"), "requestid": {"$ne": 1}, "more": [1]}, headers={"nameko.x": "y", "n": None}
        )
        things.publish({**things.event("t2"), "requestid": "a b\nc" * 100})
        eventually(lambda: (things.effect("t1"), things.effect("t2")) == (1, 1))


def test_while_the_database_elects_a_primary_the_handler_waits_for_it(things: Any) -> None:
    with things.start("consumer") as consumer:
        things.publish(things.event("t1", away=2))
        eventually(lambda: things.effect("t1") == 1)
        assert consumer.output().count("handled") == 1
        assert "given back" not in consumer.output()
    assert things.attempts("t1") == 3


def test_what_a_handler_fails_at_comes_again_behind_the_others_of_its_queue(things: Any) -> None:
    for number in range(8):
        things.publish(things.event(f"t{number}", failures=3))
    things.publish(things.event("good"))
    with things.start("consumer") as consumer:
        eventually(lambda: things.effect("good") == 1)
        assert sum(things.attempts(f"t{number}") for number in range(8)) <= 16
        eventually(lambda: all(things.effect(f"t{number}") == 1 for number in range(8)), timeout=20)
        assert consumer.output().count("handler failed") == 24
    assert settled(things)


def test_what_a_handler_fails_at_too_often_is_a_dead_letter_with_the_reason(things: Any) -> None:
    event = things.event("t1", failures=9)
    things.publish(event, headers={amqp.FAILURES: MOST_FAILURES - 1})
    with things.start("consumer"):
        letter = eventually(things.letters)[0]
    assert letter.id == event["id"]
    assert letter.reason == "failed 20 times, at last with LookupError"
    assert settled(things)


def test_told_to_stop_it_finishes_and_acknowledges_the_message_at_hand(things: Any) -> None:
    with things.start("consumer") as consumer:
        things.publish(things.event("t1", seconds=3))
        eventually(lambda: things.attempts("t1") == 1)
        consumer.process.send_signal(signal.SIGTERM)
        assert consumer.process.wait(20) == 0
        assert things.effect("t1") == 1
    assert settled(things)


def test_told_to_stop_it_gives_back_what_it_has_not_begun(things: Any) -> None:
    with things.start("consumer") as consumer:
        for number in range(30):
            things.publish(things.event(f"t{number}", seconds=1))
        eventually(lambda: things.attempts("t0") == 1)
        consumer.process.send_signal(signal.SIGTERM)
        assert consumer.process.wait(20) == 0
    done = sum(things.effect(f"t{number}") for number in range(30))
    assert queue_state(things.amqp_url, things.queue) == (30 - done, 0)
    assert 0 < done < 30


def test_killed_in_the_middle_its_messages_take_effect_once_in_the_next(things: Any) -> None:
    with things.start("consumer") as consumer:
        for number in range(6):
            things.publish(things.event(f"t{number}", seconds=2))
        eventually(lambda: things.attempts("t0") == 1)
        consumer.process.kill()
        consumer.process.wait()
    assert things.effect("t0") == 0
    things.end_open_transactions()
    with things.start("consumer"):
        eventually(lambda: all(things.effect(f"t{number}") == 1 for number in range(6)))
    assert settled(things)


def test_it_comes_back_when_its_connection_ends_and_the_message_at_hand_takes_effect_once(
    things: Any, link: Any
) -> None:
    with things.start("consumer") as consumer:
        things.publish(things.event("t1", seconds=2))
        eventually(lambda: things.attempts("t1") == 1)
        link.cut()
        things.publish(things.event("t2"))
        eventually(lambda: things.effect("t2") == 1, timeout=15)
        eventually(lambda: "seen before" in consumer.output() or things.attempts("t1") > 1, timeout=15)
        eventually(lambda: things.effect("t1") == 1)
        assert consumer.process.poll() is None
    assert things.effect("t1") == 1
    assert settled(things)


def test_poison_at_hand_as_the_connection_ends_does_not_end_the_process(things: Any, link: Any) -> None:
    with things.start("consumer") as consumer:
        for _ in range(3):
            for _ in range(20):
                things.publish(b"{}")
            link.cut()
        eventually(lambda: queue_state(things.amqp_url, things.dead_letters)[0] >= 60, timeout=30)
        assert consumer.process.poll() is None


def test_a_connection_that_breaks_as_a_message_is_acknowledged_is_replaced_with_its_consumers(things: Any) -> None:
    with things.start("consumer", BREAK="acknowledging") as consumer:
        things.publish(things.event("t1"))
        eventually(lambda: "seen before" in consumer.output(), timeout=15)
        things.publish(things.event("t2"))
        eventually(lambda: things.effect("t2") == 1)
        assert consumer.process.poll() is None
    assert things.effect("t1") == 1
    assert settled(things)


def test_connections_that_fell_silent_are_replaced_and_events_and_calls_go_on(things: Any, link: Any) -> None:
    client = RpcClient(link.url)
    with things.start("consumer", HEARTBEAT_SECONDS="1") as consumer:
        assert client.call(things.name, "add", a=1, b=1) == 2
        link.hang()
        things.publish(things.event("t1"))
        eventually(lambda: things.effect("t1") == 1, timeout=15)
        # the answer's connection was kept from the call before
        assert client.call(things.name, "add", a=1, b=2) == 3
        assert consumer.process.poll() is None


def test_stopped_for_longer_than_the_broker_waits_it_works_on(things: Any) -> None:
    with things.start("consumer", HEARTBEAT_SECONDS="1") as consumer:
        things.publish(things.event("t1", seconds=1))
        eventually(lambda: things.attempts("t1") == 1)
        consumer.process.send_signal(signal.SIGSTOP)
        # the broker has given up on it, and on what it had at hand
        eventually(lambda: queue_state(things.amqp_url, things.queue) == (1, 0), timeout=20)
        things.publish(things.event("t2"))
        consumer.process.send_signal(signal.SIGCONT)
        eventually(lambda: (things.effect("t1"), things.effect("t2")) == (1, 1), timeout=15)
        eventually(lambda: queue_state(things.amqp_url, things.queue) == (0, 1))
    assert (things.effect("t1"), things.effect("t2")) == (1, 1)
    assert settled(things)


@pytest.mark.parametrize("broken", ["outside", "outside and its end"])
def test_a_defect_outside_of_a_handler_ends_the_process_and_never_leaves_it_hanging(things: Any, broken: str) -> None:
    with things.start("consumer", BREAK=broken) as consumer:
        for number in range(20):
            things.publish(things.event(f"t{number}", seconds=0.2))
        assert consumer.process.wait(20) == 1
    with things.start("consumer"):
        eventually(lambda: all(things.effect(f"t{number}") == 1 for number in range(20)))


def test_it_is_back_within_ten_seconds_of_the_broker(things: Any, link: Any) -> None:
    with things.start("consumer") as consumer:
        link.down()
        eventually(lambda: consumer.output().count("broker away") >= 3, timeout=30)
        things.publish(things.event("t1"))
        link.up()
        eventually(lambda: things.effect("t1") == 1, timeout=10)
        assert consumer.process.poll() is None


def test_it_ends_when_told_to_also_with_the_broker_away(things: Any, link: Any) -> None:
    with things.start("consumer") as consumer:
        link.down()
        eventually(lambda: consumer.output().count("broker away") >= 2)
        consumer.process.send_signal(signal.SIGTERM)
        assert consumer.process.wait(15) == 0


def test_a_consumer_that_starts_with_no_queue_makes_it(things: Any) -> None:
    with things.channel() as channel:
        channel.queue_delete(things.queue)
        channel.queue_delete(things.dead_letters)
    with things.start("consumer"):
        eventually(lambda: queue_state(things.amqp_url, things.queue)[1] == 1)
        things.publish(things.event("t1"))
        things.publish(b"{}")
        eventually(lambda: things.effect("t1") == 1)
        eventually(lambda: queue_state(things.amqp_url, things.dead_letters)[0] == 1)


@pytest.mark.parametrize("same", [True, False])
def test_two_consumers_share_the_work_and_an_effect_is_still_one(things: Any, same: bool) -> None:
    identifier = new_id()
    with things.start("consumer"), things.start("consumer"):
        events = [things.event(identifier if same else f"{identifier}{number}") for number in range(10)]
        for event in events * 3:
            things.publish(event)
        if same:
            eventually(lambda: things.effect(identifier) == 10)
        else:
            eventually(lambda: all(things.effect(f"{identifier}{number}") == 1 for number in range(10)))
        eventually(lambda: queue_state(things.amqp_url, things.queue)[0] == 0)
        assert not holds_within(0.5, lambda: things.effect(identifier) > 10)
    assert settled(things)
