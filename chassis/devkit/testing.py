"""What the services' tests share: tokens, events by their contracts, real processes, a look at the broker."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pika
import requests
from flask import Flask
from jsonschema import Draft202012Validator, FormatChecker
from prometheus_client.parser import text_string_to_metric_families

from chassis import amqp, openapi
from chassis.api import routes_of
from chassis.clock import instant_text, new_id, now
from chassis.events import subscriptions
from chassis.keys import secret_key
from chassis.tokens import TokenIssuer
from devkit import explained
from devkit.waiting import eventually

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
JWT_SECRET = "Kq7!only-for-tests-0f4b9c2e8d1a6357"
JWT_REFRESH_SECRET = "Zx3!only-for-tests-b81d5f07a2c94e6b"


def environment(mongodb_uri: str, amqp_url: str, **more: str) -> dict[str, str]:
    """The variables that a service's Config needs, for monkeypatch or for a process of its own."""
    return {
        "MONGODB_URI": mongodb_uri,
        "AMQP_URL": amqp_url,
        "JWT_SECRET": JWT_SECRET,
        "JWT_REFRESH_SECRET": JWT_REFRESH_SECRET,
        "CONTRACTS_DIR": str(CONTRACTS),
        "LOG_LEVEL": "INFO",
        **more,
    }


def bearer(user_id: str, role: str = "patient", name: str = "Pat Doe", email: str | None = None) -> dict[str, str]:
    """An Authorization header with a good access token."""
    claims = {"sid": new_id(), "role": role, "name": name, "email": email or f"{user_id}@clinic.example"}
    token = TokenIssuer(secret_key(JWT_SECRET)).issue(user_id, claims, timedelta(minutes=15))
    return {"Authorization": f"Bearer {token}"}


def example(event_type: str, *, source: str | None = None, **data: Any) -> dict[str, Any]:
    """The contract's example of an event, as a new event (fresh id), with some of its data replaced."""
    event: dict[str, Any] = json.loads((CONTRACTS / "events" / f"{event_type}.v1.example.json").read_text())
    about = next(name for name, value in event["data"].items() if value == event["subject"])
    event["id"] = new_id()
    event["data"].update(data)
    event["subject"] = event["data"][about]
    if source:
        event["source"] = source
    assert_valid(event)
    return event


def write_plan(folder: Path, **kinds: list[dict[str, Any]]) -> Path:
    """A plan (chassis.seeding) as of now, with these lines of each kind, under a name of its own."""
    folder.mkdir(parents=True)
    asked = {"id": new_id(), "at": instant_text(now()), "password": "sunlit harbour lantern"}
    (folder / "plan.json").write_text(json.dumps(asked))
    for kind in ("people", "doctors", "appointments", "reviews", "follows", "places"):
        (folder / f"{kind}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in kinds.get(kind, [])))
    return folder


def assert_valid(event: dict[str, Any]) -> None:
    """The event is what its contract says: schema and format, and about the subject that it names."""
    schema = json.loads((CONTRACTS / "events" / f"{event['type']}.v1.schema.json").read_text())
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(event)
    assert event["subject"] in event["data"].values(), "the subject is the id of what the data tells of"


def publish(amqp_url: str, event: Any, *, source: str | None = None, kind: str | None = None) -> None:
    """Put an event (or, to try poison, anything) on its source's exchange; fails if no queue takes it."""
    with _channel(amqp_url) as channel:
        channel.confirm_delivery()
        channel.basic_publish(
            amqp.exchange(source or event["source"]),
            kind or event["type"],
            json.dumps(event).encode(),
            pika.BasicProperties(content_type="application/json", content_encoding="utf-8", delivery_mode=2),
            mandatory=True,
        )


def queue_state(amqp_url: str, name: str) -> tuple[int, int]:
    """(messages ready, consumers) of a queue that exists."""
    with _channel(amqp_url) as channel:
        state = channel.queue_declare(name, passive=True).method
        return state.message_count, state.consumer_count


Samples = dict[tuple[str, tuple[str, ...]], float]
"""{(name, values of its labels in the order of their names): value}"""


def scrape(port: int) -> Samples:
    """What a process on this host serves at ``/metrics``."""
    # a connection of its own, so that another worker may answer
    text = requests.get(f"http://127.0.0.1:{port}/metrics", headers={"Connection": "close"}, timeout=30).text
    return {
        (sample.name, tuple(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def assert_every_queue_is_consumed(amqp_url: str, service: str) -> None:
    """Each subscription of the service in contracts/subscriptions.json has a queue with a consumer."""
    names = [
        amqp.queue(service, source, kind)
        for source, kinds in subscriptions(CONTRACTS)[service].items()
        for kind in kinds
    ]
    eventually(lambda: all(queue_state(amqp_url, name)[1] >= 1 for name in names))


@dataclass(frozen=True)
class Running:
    """A process under test."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self) -> str:
        return self.log.read_text()


@contextmanager
def running(module: str, env: dict[str, str], cwd: Path | None = None) -> Iterator[Running]:
    """``python -m module`` with a heartbeat, from its first beat until the end of the block; then SIGTERM.

    Fails with the process's output if it ends before it beats, or does not end within 30 s of SIGTERM.
    """
    with tempfile.TemporaryDirectory() as folder:
        beat, log = Path(folder, "heartbeat"), Path(folder, "log")
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", module],
                env={**os.environ, **env, "HEARTBEAT_FILE": str(beat)},
                cwd=cwd,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            eventually(lambda: beat.exists() or process.poll() is not None, timeout=30)
            assert beat.exists(), f"{module} did not start:\n{log.read_text()}"
            yield Running(process, log)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise AssertionError(f"{module} did not end on SIGTERM:\n{log.read_text()}") from None


def check_routes(app: Flask, service: str) -> None:
    """The app's routes are those of contracts/routes and contracts/openapi; UPDATE_CONTRACTS=1 writes both.

    The document leaves no field and no parameter unexplained, and its examples work.
    """
    declared, document = routes_of(app), openapi.document(app, service)
    unclear = [f"{where} has no description" for where in explained.undescribed(document)]
    unclear += explained.bad_examples(app, document)
    assert not unclear, "\n".join(unclear)
    lines = ",\n".join("  " + json.dumps(route) for route in declared)
    _check(CONTRACTS / "routes" / f"{service}.json", declared, f"[\n{lines}\n]\n")
    _check(CONTRACTS / "openapi" / f"{service}.json", document, json.dumps(document, indent=1) + "\n")


def _check(file: Path, declared: object, text: str) -> None:
    if os.environ.get("UPDATE_CONTRACTS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert json.loads(file.read_text()) == declared


@contextmanager
def _channel(amqp_url: str) -> Iterator[Any]:
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        yield connection.channel()
