"""A thing-service of this session's own, with its exchange and queues, and a link to the broker that can break."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
import pytest
from pymongo.read_concern import ReadConcern

from chassis import amqp, outbox
from chassis.clock import new_id
from chassis.dead_letters.letter import Letter
from chassis.dead_letters.queue import DeadLetterQueue
from chassis.events import cloud_event
from chassis.mongo import Database
from devkit.link import Link
from devkit.testing import environment, running

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Things:
    """The service under test and what a test does to it."""

    amqp_url: str
    """Straight to the broker, for the test's own eyes."""
    env: dict[str, str]
    database: Database
    source: str
    name: str

    @property
    def queue(self) -> str:
        return amqp.queue(self.name, self.source, "made")

    @property
    def dead_letters(self) -> str:
        return amqp.dead_letters(self.name)

    def start(self, process: str, **env: str) -> Any:
        """``with things.start("relay") as process:``."""
        return running(f"thing_service.{process}", {**self.env, **env}, cwd=HERE)

    def broadcast(self, *kinds: str) -> None:
        """Have these heard by each process of some listener; for relays that start from now on."""
        Path(self.env["CONTRACTS_DIR"], "broadcasts.json").write_text(
            json.dumps({"listener": {self.source: kinds}} if kinds else {})
        )

    @contextmanager
    def listening(self, *kinds: str) -> Iterator[Callable[[], list[tuple[str, dict[str, Any]]]]]:
        """As one process of the listener: a call returns the (kind, message) heard since the call before."""
        with self.channel() as channel:
            queue = channel.queue_declare("", exclusive=True, auto_delete=True).method.queue
            for kind in (*kinds, amqp.PULSE):
                channel.queue_bind(queue, amqp.exchange(self.source), kind)

            def heard() -> list[tuple[str, dict[str, Any]]]:
                messages = []
                while (got := channel.basic_get(queue, auto_ack=True))[0]:
                    messages.append((got[0].routing_key, json.loads(got[2])))
                return messages

            yield heard

    def event(self, thing_id: str, kind: str = "made", **data: Any) -> dict[str, Any]:
        return cloud_event(self.source, kind, thing_id, {"thingId": thing_id, **data})

    def write(self, *events: dict[str, Any], collection: str = "things", identifier: str | None = None) -> str:
        """A document with these events in its outbox."""
        document = identifier or new_id()
        self.database[collection].insert_one({"_id": document, "outbox": list(events)})
        return document

    def waiting(self, document: str, collection: str = "things") -> int:
        """How many events a document still holds."""
        found = self.database[collection].find_one({"_id": document})
        return len(found["outbox"]) if found else 0

    def lease(self) -> dict[str, Any] | None:
        """The relays' lease."""
        return self.database["relay"].find_one({"_id": "lease"})

    def publish(self, body: bytes | dict[str, Any], **properties: Any) -> None:
        with self.channel() as channel:
            channel.confirm_delivery()
            given = {"content_type": "application/json", "content_encoding": "utf-8", "delivery_mode": 2, **properties}
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            channel.basic_publish(
                amqp.exchange(self.source), "made", text, pika.BasicProperties(**given), mandatory=True
            )

    def take(self, queue: str | None = None) -> list[dict[str, Any]]:
        """All messages that are ready in a queue, removed from it."""
        taken = []
        with self.channel() as channel:
            while (got := channel.basic_get(queue or self.queue, auto_ack=True))[0]:
                taken.append(json.loads(got[2]))
        return taken

    def letters(self) -> list[Letter]:
        """The dead letters there are; they stay."""
        with (
            pika.BlockingConnection(pika.URLParameters(self.amqp_url)) as connection,
            DeadLetterQueue(connection, self.name).letters() as (_, letters, _),
        ):
            return list(letters)

    def effect(self, thing_id: str) -> int:
        """How often the handler's write for a thing was committed."""
        return int((self.database["effects"].find_one({"_id": thing_id}) or {"count": 0})["count"])

    def attempts(self, thing_id: str) -> int:
        return int((self.database["attempts"].find_one({"_id": thing_id}) or {"count": 0})["count"])

    def end_open_transactions(self) -> None:
        """Those of a killed consumer, which the server would otherwise keep open for a minute or more."""
        admin = self.database.client.get_database("admin", read_concern=ReadConcern("local"))
        ours = {"type": "idleSession", "appName": self.name, "transaction": {"$exists": True}}
        found = admin.aggregate([{"$currentOp": {"allUsers": True, "idleSessions": True}}, {"$match": ours}])
        for session in found:
            admin.command("killSessions", [{"id": session["lsid"]["id"]}])

    def channel(self) -> Any:
        return _Channel(self.amqp_url)


class _Channel:
    def __init__(self, url: str) -> None:
        self._connection = pika.BlockingConnection(pika.URLParameters(url))

    def __enter__(self) -> Any:
        return self._connection.channel()

    def __exit__(self, *_: object) -> None:
        if self._connection.is_open:
            self._connection.close()


@pytest.fixture
def link(amqp_url: str) -> Iterator[Link]:
    made = Link(amqp_url)
    yield made
    made.close()


Make = Callable[[str, str], Things]


@pytest.fixture
def make_things(fresh_mongodb_uri: str, tmp_path: Path) -> Iterator[Make]:
    made: list[Things] = []

    def make(broker: str, seen_as: str) -> Things:
        mark = secrets.token_hex(4)
        source, name = f"maker-{mark}", f"taker-{mark}"
        (tmp_path / "subscriptions.json").write_text(json.dumps({name: {source: ["made"]}}))
        env = environment(fresh_mongodb_uri, seen_as, THING_SOURCE=source, THING_NAME=name, CONTRACTS_DIR=str(tmp_path))
        things = Things(broker, env, Database(fresh_mongodb_uri, name), source, name)
        things.broadcast()
        for collection in ("things", "stones"):
            things.database[collection].create_indexes([outbox.INDEX])
        for collection in ("inbox", "attempts", "effects"):
            things.database.db.create_collection(collection)
        with things.channel() as channel:
            amqp.declare_source(channel, source, {name: {source: ["made"]}})
        made.append(things)
        return things

    yield make
    for things in made:
        things.end_open_transactions()
        things.database.close()
        with suppress(pika.exceptions.AMQPError), things.channel() as channel:
            for queue in (things.queue, things.dead_letters, amqp.retries(things.name), f"rpc-{things.name}"):
                channel.queue_delete(queue)
            for exchange in (amqp.exchange(things.source), amqp.retries(things.name)):
                channel.exchange_delete(exchange)


@pytest.fixture
def things(make_things: Make, amqp_url: str, link: Link) -> Things:
    """The service, reaching the broker over ``link``."""
    return make_things(amqp_url, link.url)
