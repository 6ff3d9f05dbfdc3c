"""Poison among good messages: all of it among the dead letters, each with its reason, and none of the good late.

The messages are entries of the audit, put straight into user-service's queue for them, so that no other service is
troubled; all carry an action of this trial's own, by which their effects are counted.
"""

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pika
import pymongo

from chassis import amqp
from chassis.clock import instant_text, new_id, now
from devkit.suite import Instance
from devkit.waiting import holds_within

SERVICE, SOURCE, KIND = "user-service", "auth-service", "audit-recorded"
QUEUE = amqp.queue(SERVICE, SOURCE, KIND)

MOST = 1.5
"""How many times as long the good may take among poison as they take alone, and so many seconds besides."""
SLACK_SECONDS = 3.0

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Dead:
    """A dead letter, as it lies in its queue."""

    body: bytes
    note: dict[str, Any]
    redriven: int


def poisoned(suite: Instance, bad: int, good: int, tell: Tell) -> list[str]:
    """What is wrong, in words. Takes a suite that is at rest, and leaves nothing behind but the audit's entries."""
    if letters := _letters(suite):
        return [f"{SERVICE} has {len(letters)} dead letters before the first poison"]
    mark = secrets.token_hex(4)
    patience = 120.0 + (good + bad) / 10
    alone = _handled(suite, f"alone.{mark}", _entries(f"alone.{mark}", good), good, patience)
    poison = set(_poison(mark, bad))
    mixed = _mixed(_entries(f"mixed.{mark}", good), poison)
    among = _handled(suite, f"mixed.{mark}", mixed, good, patience)
    if alone is None or among is None:
        return [f"{good} good messages were not handled within {patience:.0f} s"]
    ratio = among / alone
    tell(f"{good} good messages took {alone:.1f} s alone, {among:.1f} s among {bad} of poison: {ratio:.2f} times")
    violations = _not_dead_once(suite, poison, times=0)
    if among > MOST * alone + SLACK_SECONDS:
        violations.append(f"good messages were late among poison: {ratio:.2f} times as long")
    for times in (1, 2):
        if not violations:
            done = _run(suite, "redrive")
            violations += [f"redrive failed: {done}"] if done else _not_dead_once(suite, poison, times=times)
    tell(f"poison was put back twice, and is among the dead letters: {'no' if violations else 'yes'}")
    if (effects := _effects(suite, f"mixed.{mark}")) != good:
        violations.append(f"{good} good messages, {effects} effects")
    if done := _run(suite, "discard", "--all"):
        violations.append(f"discard failed: {done}")
    if left := len(_letters(suite)):
        violations.append(f"{left} dead letters are left when all were discarded")
    return violations


def _entries(action: str, number: int) -> Iterator[bytes]:
    for _ in range(number):
        entry = new_id()
        data = {
            "entryId": entry,
            "at": instant_text(now()),
            "action": action,
            "refusedFor": None,
            "actorId": None,
            "actorRole": None,
            "subjectId": None,
            "objectId": None,
            "address": None,
        }
        yield json.dumps(_event(entry, data)).encode()


def _event(subject: str, data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": new_id(),
        "source": SOURCE,
        "type": KIND,
        "subject": subject,
        "time": instant_text(now()),
        "datacontenttype": "application/json",
        "data": data,
    }


def _poison(mark: str, number: int) -> Iterator[bytes]:
    """By turns no JSON, no event, and an event of another shape."""
    for count in range(number):
        match count % 3:
            case 0:
                yield f"no JSON {mark} {count}".encode()
            case 1:
                yield json.dumps([mark, count]).encode()
            case _:
                yield json.dumps(_event(f"{mark}-{count}", {"entryId": count})).encode()


def _mixed(good: Iterable[bytes], bad: Iterable[bytes]) -> list[bytes]:
    messages = [*bad, *good]
    secrets.SystemRandom().shuffle(messages)
    return messages


def _handled(suite: Instance, action: str, messages: Iterable[bytes], good: int, patience: float) -> float | None:
    """How long it took from the first message to the last good one's effect; None if it took too long."""
    bodies = list(messages)
    properties = pika.BasicProperties(content_type="application/json", content_encoding="utf-8", delivery_mode=2)
    began = time.monotonic()
    with pika.BlockingConnection(pika.URLParameters(suite.amqp_url)) as connection:
        channel = connection.channel()
        for body in bodies:
            channel.basic_publish("", QUEUE, body, properties)
    if not holds_within(patience, lambda: _effects(suite, action) >= good, every=0.2):
        return None
    return time.monotonic() - began


def _effects(suite: Instance, action: str) -> int:
    with pymongo.MongoClient[dict[str, Any]](suite.mongodb_uri, readConcernLevel="majority") as mongo:
        return mongo[SERVICE]["audit"].count_documents({"action": action})


def _not_dead_once(suite: Instance, poison: set[bytes], times: int) -> list[str]:
    """Poison that is not among the dead letters, is there twice, or does not tell why and where from."""
    found: list[Dead] = []

    def all_there() -> bool:
        found[:] = _letters(suite)
        return len(found) >= len(poison) and all(letter.redriven == times for letter in found)

    holds_within(120, all_there, every=1)
    counts = Counter(letter.body for letter in found)
    wrong = {
        "are missing": poison - counts.keys(),
        "are no poison": counts.keys() - poison,
        "are there more than once": [body for body, count in counts.items() if count > 1],
        "tell no reason": [letter.body for letter in found if not letter.note.get("reason")],
        "tell of another queue": [letter.body for letter in found if letter.note.get("queue") != QUEUE],
        f"were not redriven {times} times": [letter.body for letter in found if letter.redriven != times],
    }
    return [f"of the dead letters {len(bodies)} {what}" for what, bodies in wrong.items() if bodies]


def _letters(suite: Instance) -> list[Dead]:
    """All that are there; they stay."""
    found = []
    with pika.BlockingConnection(pika.URLParameters(suite.amqp_url)) as connection:
        channel = connection.channel()
        while (got := channel.basic_get(amqp.dead_letters(SERVICE)))[0]:
            headers = got[1].headers or {}
            found.append(Dead(got[2], headers.get(amqp.DEAD_LETTER, {}), headers.get(amqp.REDRIVEN, 0)))
    return found


def _run(suite: Instance, action: str, *options: str) -> str:
    """Run an operator's command; what it said if it failed."""
    done = suite.run_in("user-consumer", "chassis.dead_letters", action, "--service", SERVICE, *options, capture=True)
    return (done.stdout + done.stderr)[-500:] if done.returncode else ""
