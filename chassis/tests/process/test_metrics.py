"""Metrics of real processes: what is counted is the truth, whatever becomes of who counted it."""

from typing import Any

from chassis import amqp
from devkit.link import Link
from devkit.ports import free_port
from devkit.testing import scrape
from devkit.waiting import eventually


def test_a_consumer_tells_what_became_of_each_event_also_while_it_handles_one(things: Any) -> None:
    port, source = free_port(), things.source
    with things.start("consumer", METRICS_PORT=str(port)):
        event = things.event("t1")
        for _ in range(2):
            things.publish(event)
        things.publish({**things.event("t2"), "data": {"thingId": 5}})
        things.publish(things.event("t3", failures=1))
        things.publish({**things.event("t4"), "time": "2020-01-01T00:00:00Z"})
        things.publish({**things.event("t5"), "time": {"no": "instant"}})

        def outcomes() -> dict[str, float]:
            return {
                labels[0]: value for (name, labels), value in scrape(port).items() if name == "events_handled_total"
            }

        wanted = {"handled": 4, "seen_before": 1, "refused": 1, "failed": 1}
        eventually(lambda: outcomes() == wanted, timeout=20)
        samples = scrape(port)
        # each that took effect and says when it was made; one of them is years old
        assert samples["event_age_seconds_count", (source, "made")] == 3
        assert samples["event_age_seconds_bucket", ("1800.0", source, "made")] == 2
        assert samples["event_handling_seconds_count", (source, "made")] == 7

        def is_asked_in_between(thing_id: str) -> bool:
            things.publish(things.event(thing_id, seconds=2))
            eventually(lambda: things.attempts(thing_id) == 1)
            scrape(port)
            return things.effect(thing_id) == 0

        # it may be over before, on a busy host
        assert any(is_asked_in_between(f"slow{number}") for number in range(5))


def test_a_relay_tells_what_waits_and_what_it_holds_back_also_while_the_broker_is_away(things: Any, link: Link) -> None:
    port = free_port()
    with things.start("relay", METRICS_PORT=str(port), LOOK_SECONDS="0.3"):
        things.write(things.event("t1"))
        eventually(lambda: scrape(port).get(("relay_events_total", ("confirmed", "made"))) == 1)
        eventually(lambda: scrape(port).get(("broker_away", ())) == 0)
        assert scrape(port)["outbox_events", ("things",)] == 0

        things.write(things.event("held", kind="unheard"))
        eventually(lambda: scrape(port).get(("outbox_held_documents", ("unheard",))) == 1, timeout=15)
        assert scrape(port)["relay_events_total", ("unroutable", "unheard")] >= 1

        retries, dead_letters = amqp.retries(things.source), amqp.dead_letters(things.source)
        with things.channel() as channel:
            for queue in (retries, dead_letters, dead_letters):
                channel.queue_declare(queue, durable=True)
                channel.basic_publish("", queue, b"")
        eventually(lambda: scrape(port).get(("dead_letters", (dead_letters,))) == 2)
        eventually(lambda: scrape(port).get(("queue_messages", (retries,))) == 1)
        assert scrape(port)["queue_consumers", (retries,)] == 0

        link.down()
        things.write(things.event("t2"), things.event("t3"))
        eventually(lambda: scrape(port).get(("outbox_events", ("things",))) == 3)
        samples = scrape(port)
        assert samples["outbox_documents", ("things",)] == 2
        assert samples["outbox_oldest_seconds", ("things",)] > 0
        # what is not known is not told
        eventually(lambda: scrape(port)["broker_away", ()] == 1)
        assert not [name for name, _ in scrape(port) if name in ("dead_letters", "queue_messages")]

        link.up()
        # all but what no queue takes
        eventually(lambda: scrape(port).get(("outbox_events", ("things",))) == 1, timeout=30)
        eventually(lambda: scrape(port)["broker_away", ()] == 0)
