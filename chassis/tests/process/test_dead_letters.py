"""Dead letters: looked at, put back, dropped; repeated or killed half-way, nothing is lost, looped or another's."""

import json
from datetime import timedelta
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from chassis import amqp
from chassis.clock import instant_text, now
from chassis.dead_letters import queue as dead_letters
from chassis.dead_letters.__main__ import main
from devkit.testing import queue_state
from devkit.waiting import eventually


@pytest.fixture(autouse=True)
def _environment(things: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMQP_URL", things.amqp_url)
    monkeypatch.setenv("CONTRACTS_DIR", things.env["CONTRACTS_DIR"])


def died(things: Any, body: Any, *, reason: str = "not so", queue: str | None = None, **headers: Any) -> None:
    """A dead letter as a consumer makes it."""
    note = {"reason": reason, "queue": queue or things.queue, "at": instant_text(now()), "exchange": "x"}
    put(things, body, {amqp.DEAD_LETTER: {**note, "routingKey": "made", "eventId": None}, **headers})


def put(things: Any, body: Any, headers: dict[str, Any]) -> None:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    with things.channel() as channel:
        channel.confirm_delivery()
        given = pika.BasicProperties(content_type="application/json", delivery_mode=2, headers=headers)
        channel.basic_publish("", things.dead_letters, text, given, mandatory=True)


def ready(things: Any) -> tuple[int, int]:
    """(in the queue of events, in that of dead letters)."""
    return queue_state(things.amqp_url, things.queue)[0], queue_state(things.amqp_url, things.dead_letters)[0]


def test_list_tells_how_many_died_of_what_and_changes_nothing(things: Any, capsys: Any) -> None:
    assert main(["list"]) == 0
    assert capsys.readouterr().out == "no dead letters\n"
    event = things.event("t1")
    for body in (event, event, b"canary"):
        died(things, body)
    died(things, b"canary", reason="other\x1b[2J")
    assert main(["list"]) == 0
    told = capsys.readouterr().out
    assert f"{things.name}: 4\n" in told
    assert f"     3  {things.queue}: not so\n" in told
    assert "1 are copies of another" in told
    assert "canary" not in told
    assert "\x1b" not in told
    eventually(lambda: ready(things) == (0, 4))


def test_show_tells_one_with_a_warning_and_the_beginning_of_its_body(things: Any, capsys: Any) -> None:
    event = things.event("t1", more="x" * 5_000)
    died(things, event, redriven=2)
    died(things, b"\x1b[2J another")
    assert main(["show", "--id", event["id"]]) == 0
    told = capsys.readouterr().out
    assert "may hold personal data" in told
    assert "redriven:     2 times" in told
    assert "another" not in told
    assert len(told) < 5_000
    assert main(["show", "--id", "nobody"]) == 1
    eventually(lambda: ready(things) == (0, 2))
    assert main(["show"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_what_dies_again_while_others_are_put_back_is_left_for_the_next_time(
    things: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dying_again_at_once(_: Any, letter: Any) -> None:
        died(things, letter.body)

    monkeypatch.setattr(dead_letters, "_put_back", dying_again_at_once)
    for body in (b"1", b"2"):
        died(things, body)
    assert main(["redrive"]) == 0
    assert "redrive: 2 done" in capsys.readouterr().out
    assert ready(things) == (0, 2)


def test_put_back_each_takes_effect_once_and_poison_is_dead_again(things: Any, capsys: Any) -> None:
    good = things.event("t1")
    died(things, good)
    died(things, good)
    died(things, b"[]")
    with things.start("consumer") as consumer:
        for times in (1, 2):
            assert main(["redrive", "--service", things.name]) == 0
            assert f"redrive: {3 if times == 1 else 1} done, 0 stayed" in capsys.readouterr().out
            letter = eventually(things.letters)[0]
            assert (letter.redriven, letter.reason) == (times, "not a JSON object")
        eventually(lambda: things.effect("t1") == 1 and "seen before" in consumer.output())
        assert ready(things) == (0, 1)


def test_ended_between_its_two_steps_nothing_is_lost(things: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    died(things, things.event("t1"))

    def ending(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(BlockingChannel, "basic_ack", ending)
        with pytest.raises(KeyboardInterrupt):
            main(["redrive"])
    eventually(lambda: ready(things) == (1, 1))
    assert main(["redrive"]) == 0
    first, second = things.take()
    assert first == second


def test_what_cannot_be_put_back_stays_and_is_told(things: Any, capsys: Any) -> None:
    old = {**things.event("t1"), "time": instant_text(now() - timedelta(days=13, minutes=1))}
    died(things, old)
    died(things, b"1", queue=f"{things.name}.gone")
    died(things, b"2", queue="another-service.x.y")
    put(things, b"3", {})
    died(things, things.event("t2"))
    assert main(["redrive"]) == 1
    told = capsys.readouterr().out
    for reason in ("older than 13 days", "does not exist", "no queue of", "nothing tells which queue", "1 done, 4 sta"):
        assert reason in told
    eventually(lambda: ready(things) == (1, 4))
    assert main(["redrive", "--id", old["id"], "--force"]) == 0
    assert [event["id"] for event in things.take()][1:] == [old["id"]]
    eventually(lambda: ready(things) == (0, 3))


def test_what_the_broker_put_there_goes_back_to_where_it_says(things: Any) -> None:
    event = things.event("t1")
    things.publish(event, headers={amqp.DEAD_LETTER: {"queue": "another"}, amqp.FAILURES: 7, "CC": ["elsewhere"]})
    with things.channel() as channel:
        eventually(lambda: ready(things)[0] == 1)
        channel.basic_reject(channel.basic_get(things.queue)[0].delivery_tag, requeue=False)
        eventually(lambda: ready(things) == (0, 1))
        assert main(["redrive", "--limit", "5"]) == 0
        _, properties, body = channel.basic_get(things.queue, auto_ack=True)
    assert json.loads(body) == event
    assert amqp.lasting(properties.headers) == {amqp.REDRIVEN: 1}
    assert "x-death" not in properties.headers


def test_discard_drops_one_or_when_told_so_all_of_a_service(things: Any, capsys: Any) -> None:
    event = things.event("t1")
    for body in (event, event, b"1", b"2"):
        died(things, body)
    for vague in ([], ["--all"], ["--service", things.name], ["--service", "nobody", "--all"]):
        with pytest.raises(SystemExit) as refused:
            main(["discard", *vague])
        assert refused.value.code == 2
    assert ready(things) == (0, 4)
    assert main(["discard", "--id", event["id"]]) == 0
    assert event["id"] in capsys.readouterr().out
    eventually(lambda: ready(things) == (0, 2))
    assert main(["discard", "--id", event["id"]]) == 1
    assert main(["discard", "--service", things.name, "--all"]) == 0
    assert ready(things) == (0, 0)


def test_no_broker_and_no_address_are_told_apart(link: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    link.down()
    monkeypatch.setenv("AMQP_URL", link.url)
    assert main(["list"]) == 69
    monkeypatch.delenv("AMQP_URL")
    assert main(["list"]) == 78
    assert "AMQP_URL" in capsys.readouterr().err
