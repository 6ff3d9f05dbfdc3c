"""The relay: all that is announced reaches its queues, whatever dies on the way."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from bson import ObjectId

from chassis import amqp, outbox
from chassis.clock import new_id
from chassis.relay import BATCH, EVENTS
from devkit.waiting import eventually, holds_within

Heard = Callable[[], list[tuple[str, dict[str, Any]]]]


def pulses(heard: Heard) -> int:
    """How many came since the last look."""
    return [kind for kind, _ in heard()].count(amqp.PULSE)


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [event["id"] for event in events]


def test_an_event_is_in_its_queue_at_once_and_gone_from_the_document(things: Any) -> None:
    # by the change stream that is: no sweep comes meanwhile
    with things.start("relay", SWEEP_SECONDS="600"):
        # the first look finds all that is there
        started = things.write(things.event("t0"))
        eventually(lambda: things.waiting(started) == 0)
        things.take()
        for _ in range(3):
            event = things.event("t1")
            document = things.write(event)
            [received] = eventually(things.take, timeout=20, every=0.01)
            assert received == event
            eventually(lambda document=document: things.waiting(document) == 0)


def test_what_was_written_before_the_start_goes_out_too(things: Any) -> None:
    event = things.event("t1")
    things.write(event)
    with things.start("relay"):
        assert eventually(things.take) == [event]


def test_the_message_survives_the_broker_and_says_what_it_is(things: Any) -> None:
    event = things.event("t1")
    things.write(event)
    with things.start("relay"), things.channel() as channel:
        method, properties, _ = eventually(
            lambda: got if (got := channel.basic_get(things.queue, auto_ack=True))[0] else None
        )
    assert method.routing_key == "made"
    assert properties.delivery_mode == 2
    assert (properties.message_id, properties.type, properties.app_id) == (event["id"], "made", things.source)
    assert properties.content_type == "application/json"


def test_the_events_of_a_document_go_out_in_their_order(things: Any) -> None:
    first = [things.event("t1", number=number) for number in range(30)]
    document = things.write(*first)
    with things.start("relay"):
        later = [things.event("t1", number=number) for number in range(30, 60)]
        for event in later:
            things.database["things"].update_one({"_id": document}, {"$push": {"outbox": event}})
        eventually(lambda: things.waiting(document) == 0)
    seen = ids(things.take())
    assert list(dict.fromkeys(seen)) == ids([*first, *later])


def test_more_than_a_batch_goes_out_at_once(things: Any) -> None:
    events = [things.event(f"t{number}") for number in range(2 * BATCH + 50)]
    things.database["things"].insert_many([{"_id": new_id(), "outbox": [event]} for event in events])
    with things.start("relay"):
        eventually(lambda: not things.database["things"].find_one({"outbox.id": {"$exists": True}}), timeout=30)
    assert sorted(ids(things.take())) == sorted(ids(events))


def test_an_event_is_removed_only_when_the_broker_has_confirmed_it(things: Any, link: Any) -> None:
    with things.start("relay"):
        link.freeze()
        document = things.write(things.event("t1"))
        assert not holds_within(2, lambda: things.waiting(document) == 0)
        link.thaw()
        eventually(lambda: things.waiting(document) == 0)
    assert len(things.take()) == 1


def test_an_event_that_no_queue_takes_is_kept_and_holds_up_its_own_document_only(things: Any) -> None:
    shared = new_id()
    with things.start("relay") as relay:
        things.write(things.event("t1", kind="unheard", name="Quill"), things.event("t1"), identifier=shared)
        eventually(lambda: "event has no queue" in relay.output())
        # the same id in another collection is another document
        other = things.event(shared)
        things.write(other, collection="stones", identifier=shared)
        good = things.event("t2")
        things.write(good)
        received: list[dict[str, Any]] = []
        eventually(lambda: received.extend(things.take()) or len(received) == 2)
        assert sorted(ids(received)) == sorted(ids([good, other]))
        assert "Quill" not in relay.output(), "what an event holds is nothing for a log"
    assert things.waiting(shared) == 2


def test_more_than_a_batch_of_them_does_not_hold_up_the_others_either(things: Any) -> None:
    unheard = [things.event(f"t{number}", kind="unheard") for number in range(BATCH + 50)]
    things.database["things"].insert_many([{"_id": new_id(), "outbox": [event]} for event in unheard])
    good = things.event("good")
    things.write(good)
    with things.start("relay"):
        assert eventually(things.take, timeout=20) == [good]
        after = things.event("after")
        things.write(after)
        assert eventually(things.take, timeout=5) == [after]
    assert things.database["things"].count_documents({"outbox.id": {"$exists": True}}) == BATCH + 50


@pytest.mark.parametrize(
    "broken",
    [
        {"id": "0", "data": {}},
        {"id": "0", "type": "made", "data": ObjectId()},
    ],
)
def test_an_event_that_cannot_be_sent_does_not_stop_the_others(things: Any, broken: dict[str, Any]) -> None:
    document = things.write(broken)
    good = things.event("t1")
    things.write(good)
    with things.start("relay") as relay:
        assert eventually(things.take) == [good]
        after = things.event("t2")
        things.write(after)
        assert eventually(things.take) == [after]
        assert relay.process.poll() is None
    assert things.waiting(document) == 1


def test_the_broker_away_loses_nothing(things: Any, link: Any) -> None:
    with things.start("relay") as relay:
        link.down()
        events = [things.event(f"t{number}") for number in range(5)]
        for event in events:
            things.write(event)
        eventually(lambda: relay.output().count("relay waits") >= 2)
        link.up()
        received: dict[str, Any] = {}
        eventually(lambda: received.update({e["id"]: e for e in things.take()}) or len(received) == 5, timeout=20)
        assert relay.process.poll() is None
    assert received.keys() == set(ids(events))


def test_it_ends_soon_when_told_to_while_the_broker_confirms_nothing(things: Any, link: Any) -> None:
    with things.start("relay", CONFIRM_SECONDS="120") as relay:
        eventually(lambda: things.lease())
        link.freeze()
        document = things.write(things.event("t1"))
        # it has seen the change by then, and waits for the confirm
        assert not holds_within(1, lambda: things.waiting(document) == 0)
        relay.process.terminate()
        # soon: long before that wait is over
        assert relay.process.wait(25) == 0
    assert things.waiting(document) == 1


def test_a_connection_that_fell_silent_is_replaced(things: Any, link: Any) -> None:
    with things.start("relay", CONFIRM_SECONDS="1") as relay:
        eventually(lambda: things.lease())
        link.hang()
        event = things.event("t1")
        document = things.write(event)
        eventually(lambda: things.waiting(document) == 0)
        assert "are not confirmed" in relay.output()
    assert ids(things.take()) == [event["id"]]


def test_a_deleted_exchange_is_made_again(things: Any) -> None:
    with things.start("relay"):
        things.write(things.event("t1"))
        eventually(things.take)
        with things.channel() as channel:
            channel.exchange_delete(amqp.exchange(things.source))
            channel.queue_delete(things.queue)
        event = things.event("t2")
        document = things.write(event)
        eventually(lambda: things.waiting(document) == 0)
        assert event in things.take()


def test_it_ends_at_once_when_told_to_also_with_the_broker_away(things: Any, link: Any) -> None:
    with things.start("relay") as relay:
        link.down()
        # it tries again in eight seconds then
        eventually(lambda: '"seconds":8' in relay.output(), timeout=40)
        began = time.monotonic()
        relay.process.terminate()
        assert relay.process.wait(20) == 0
        assert time.monotonic() - began < 6


def test_killed_between_confirm_and_removal_the_event_goes_out_twice_and_takes_effect_once(things: Any) -> None:
    event = things.event("t1")
    with things.start("consumer") as consumer:
        with things.start("relay", DIE_BEFORE_PULL="1") as relay:
            document = things.write(event)
            assert relay.process.wait(10) == -9
        eventually(lambda: things.effect("t1") == 1)
        assert things.waiting(document) == 1
        with things.start("relay"):
            eventually(lambda: things.waiting(document) == 0)
            eventually(lambda: "seen before" in consumer.output())
    assert things.effect("t1") == 1


def test_of_two_relays_one_publishes_and_the_order_holds(things: Any) -> None:
    with things.start("relay") as one, things.start("relay") as other:
        events = [things.event("t1", number=number) for number in range(40)]
        document = things.write()
        for event in events:
            things.database["things"].update_one({"_id": document}, {"$push": {"outbox": event}})
        eventually(lambda: things.waiting(document) == 0)
        assert ids(things.take()) == ids(events)
        published = sorted(relay.output().count('"published"') for relay in (one, other))
    assert published == [0, 40]


@pytest.mark.parametrize("accident", [signal.SIGKILL, signal.SIGSTOP])
def test_another_relay_goes_on_when_one_dies_or_freezes(things: Any, accident: signal.Signals) -> None:
    with things.start("relay") as first, things.start("relay") as second:
        things.write(things.event("t1"))
        eventually(things.take)
        active, standby = (first, second) if '"published"' in first.output() else (second, first)
        active.process.send_signal(accident)
        events = [things.event(f"t{number}") for number in range(20)]
        documents = [things.write(event) for event in events]
        eventually(lambda: not any(map(things.waiting, documents)))
        assert sorted(ids(things.take())) == sorted(ids(events))
        assert standby.output().count('"published"') == 20
        active.process.send_signal(signal.SIGCONT)
        later = things.event("later")
        things.write(later)
        # awake again, it leaves the work to whom it went
        assert eventually(things.take) == [later]
        assert active.output().count('"published"') == 1


def test_a_relay_that_is_told_to_stop_hands_over_at_once_with_what_it_held_back(things: Any) -> None:
    things.write(things.event("t1", kind="unheard"))
    with things.start("relay"), things.start("relay"):
        before = eventually(lambda: lease if (lease := things.lease()) and lease.get("held") else None)
        os.kill(int(before["owner"].rsplit("-", 2)[1]), signal.SIGTERM)
        # sooner than the lease would end, even if it had just been renewed
        after = eventually(
            lambda: lease if (lease := things.lease())["owner"] != before["owner"] else None, timeout=1.5
        )
        assert after["held"] == before["held"]
        event = things.event("t2")
        things.write(event)
        assert eventually(things.take) == [event]
        assert things.lease()["held"]["unheard"]["since"] == before["held"]["unheard"]["since"]


def test_what_no_queue_takes_can_be_seen_until_it_went_out(things: Any) -> None:
    for number in range(3):
        things.write(things.event(f"t{number}", kind="unheard"))
    with things.start("relay", HOLD_SECONDS="1") as relay:
        held = eventually(lambda: (things.lease() or {}).get("held"))
        assert held["unheard"]["count"] == 3
        assert held["unheard"]["since"]
        assert '"alarm":"EventUnroutable"' in relay.output()
        with things.channel() as channel:
            channel.queue_bind(things.queue, amqp.exchange(things.source), "unheard")
        eventually(lambda: things.lease()["held"] == {})
    assert len(things.take()) == 3


def test_thousands_that_cannot_go_out_hold_up_nobody_and_are_not_carried_about(things: Any) -> None:
    unheard = [{"_id": new_id(), "outbox": [things.event("t", kind="unheard")]} for _ in range(3000)]
    broken = [{"_id": new_id(), "outbox": [{"id": "0", "type": "odd", "data": ObjectId()}]} for _ in range(1500)]
    things.database["things"].insert_many([*unheard, *broken])
    with things.start("relay") as relay:
        good = [things.event(f"t{number}") for number in range(3)]
        for event in good:
            things.write(event)
            assert eventually(things.take, timeout=20) == [event]
        assert relay.output().count("event has no queue") < 10
        assert relay.output().count("event cannot be sent") <= 1001
        assert things.lease()["held"]["unheard"]["count"] == 3000


def test_a_document_with_very_many_events_goes_out_in_parts_and_in_order(things: Any) -> None:
    events = [things.event("t1", number=number) for number in range(3 * EVENTS + 7)]
    document = things.write(*events)
    with things.start("relay"):
        eventually(lambda: things.waiting(document) == 0, timeout=20)
    assert ids(things.take()) == ids(events)


def test_what_waited_for_long_is_an_alarm(things: Any) -> None:
    old = things.event("t1")
    old["id"] = f"{int((time.time() - 90) * 1000):012x}" + old["id"][12:]
    things.write(old)
    with things.start("relay") as relay:
        assert eventually(things.take) == [old]
        assert '"alarm":"OutboxStuck"' in relay.output()


def test_a_relay_with_broadcasts_pulses_each_second_and_one_without_never(things: Any) -> None:
    things.broadcast("told")
    count = 0
    with things.listening() as heard, things.start("relay"):
        eventually(lambda: pulses(heard))
        while count < 3:
            count += eventually(lambda: pulses(heard), timeout=3)
    things.broadcast()
    with things.listening() as heard, things.start("relay"):
        assert not holds_within(2.5, lambda: pulses(heard))


def test_a_pulse_comes_after_all_that_was_committed_before_it(things: Any) -> None:
    things.broadcast("told")
    events = [things.event(f"t{number}", kind="told") for number in range(60)]
    for name, some in (("things", events[:30]), ("stones", events[30:])):
        things.database[name].insert_many([{"_id": new_id(), "outbox": [event]} for event in some])
    messages: list[tuple[str, dict[str, Any]]] = []
    with things.listening("told") as heard, things.start("relay"):
        eventually(lambda: messages.extend(heard()) or amqp.PULSE in [kind for kind, _ in messages])
    before = [event for kind, event in messages[: [kind for kind, _ in messages].index(amqp.PULSE)]]
    assert sorted(ids(before)) == sorted(ids(events))


def test_a_broadcast_that_nobody_hears_is_done_with(things: Any) -> None:
    things.broadcast("told")
    with things.start("relay") as relay:
        document = things.write(things.event("t1", kind="told"), things.event("t1"))
        eventually(lambda: things.waiting(document) == 0)
        assert "event has no queue" not in relay.output()
    assert len(things.take()) == 1


def test_a_broadcast_reaches_every_process_that_listens(things: Any) -> None:
    things.broadcast("told")
    with things.listening("told") as one, things.listening("told") as other, things.start("relay"):
        event = things.event("t1", kind="told")
        things.write(event)
        for heard in (one, other):
            eventually(lambda heard=heard: ("told", event) in heard())


def test_a_kind_that_is_broadcast_and_kept_in_a_queue_too_is_never_lost_for_want_of_it(things: Any) -> None:
    things.broadcast("made", "told")
    with things.listening() as heard, things.start("relay") as relay:
        # it has made the queue by then
        eventually(lambda: pulses(heard))
        with things.channel() as channel:
            channel.queue_unbind(things.queue, amqp.exchange(things.source), "made")
        document = things.write(things.event("t1"))
        eventually(lambda: "event has no queue" in relay.output())
        assert things.waiting(document) == 1


def test_no_pulse_while_an_event_is_held_back(things: Any) -> None:
    things.broadcast("told")
    with things.listening() as heard, things.start("relay") as relay:
        eventually(lambda: pulses(heard))
        things.write(things.event("t1", kind="unheard"), things.event("t1", kind="told"))
        eventually(lambda: "event has no queue" in relay.output())
        heard()
        assert not holds_within(2.5, lambda: pulses(heard))


def test_no_pulse_while_the_broker_is_away(things: Any, link: Any) -> None:
    things.broadcast("told")
    with things.listening() as heard, things.start("relay"):
        eventually(lambda: pulses(heard))
        link.down()
        heard()
        assert not holds_within(2.5, lambda: pulses(heard))
        link.up()
        eventually(lambda: pulses(heard))


def test_no_pulse_while_the_documents_cannot_be_read(things: Any) -> None:
    things.broadcast("told")
    with things.listening() as heard, things.start("relay") as relay:
        eventually(lambda: pulses(heard))
        things.database["things"].drop_indexes()
        eventually(lambda: "relay waits" in relay.output())
        heard()
        assert not holds_within(2.5, lambda: pulses(heard))
        things.database["things"].create_indexes([outbox.INDEX])
        eventually(lambda: pulses(heard))
