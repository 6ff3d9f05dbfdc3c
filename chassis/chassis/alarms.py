"""``python -m chassis.alarms``: what is wrong with a running suite's data, one line each, with its runbook.

A tool of operators, not of services: it reads every service's database by one MONGODB_URI, which no service does, and
looks at every queue of AMQP_URL. It changes nothing, and tells of numbers and ids only. What a database holds says
what is looked for: whichever has ``jobs`` or ``erasures`` is asked about them.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pika.adapters.blocking_connection import BlockingConnection
from pymongo import MongoClient, ReadPreference
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError

from chassis import amqp, broker, migrations, outbox
from chassis.config import CONTRACTS_IN_CHECKOUT, EX_CONFIG
from chassis.events import subscriptions
from chassis.migrations.lock import Lock
from chassis.migrations.records import Records
from chassis.mongo import Document

ANSWER_SECONDS = 5
WAITING = timedelta(seconds=60)
LATE = timedelta(hours=1)
MANY_FAILURES = 3
PERIODS = 5
LONG_QUEUE = 1_000
BETWEEN_LOOKS = 3.0

_COUNTED = 1_000
_WELL = {"PRIMARY", "SECONDARY", "ARBITER"}


@dataclass(frozen=True)
class Alarm:
    name: str
    seen: str

    def __str__(self) -> str:
        return f"{self.name}: {self.seen} (docs/runbooks/{self.name}.md)"


def in_databases(uri: str, services: list[str]) -> Iterator[Alarm]:
    """What the services' databases tell; one that does not answer ends the looking with DatabaseAway."""
    with MongoClient[Document](
        uri,
        appname="alarms",
        tz_aware=True,
        serverSelectionTimeoutMS=ANSWER_SECONDS * 1000,
        connectTimeoutMS=ANSWER_SECONDS * 1000,
        timeoutMS=ANSWER_SECONDS * 1000,
    ) as client:
        try:
            yield from _of_members(client)
            yield from _of_services(client, services)
        except PyMongoError as error:
            # its text may show a document
            yield Alarm("DatabaseAway", type(error).__name__)


def in_broker(url: str, table: amqp.Subscriptions, *, long: int, pause: float) -> Iterator[Alarm]:
    """What the queues tell, looked at twice: what is long and does not shrink, or has no consumer either time."""
    queues = [queue for consumer in table for queue in amqp.queues_of(consumer, table)]
    try:
        with BlockingConnection(broker.bounded(url, ANSWER_SECONDS)) as connection:
            for service in table:
                state = broker.state(connection, amqp.dead_letters(service))
                if state and state[0]:
                    yield Alarm("DeadLetters", f"{service}: {state[0]} messages could not be handled")
            before = {queue: broker.state(connection, queue) for queue in queues}
            connection.sleep(pause)
            for queue, first in before.items():
                yield from _of_queue(queue, first, broker.state(connection, queue), long)
    except broker.AWAY as error:
        yield Alarm("BrokerAway", type(error).__name__)


def _of_queue(queue: str, first: tuple[int, int] | None, second: tuple[int, int] | None, long: int) -> Iterator[Alarm]:
    if not first or not second:
        yield Alarm("QueueStuck", f"{queue}: there is no such queue")
    elif not first[1] and not second[1]:
        yield Alarm("QueueStuck", f"{queue}: no consumer, {second[0]} messages ready")
    elif second[0] >= first[0] > long:
        yield Alarm("QueueStuck", f"{queue}: {second[0]} messages ready, not fewer than before")


def _of_members(client: MongoClient[Document]) -> Iterator[Alarm]:
    read = ReadPreference.PRIMARY_PREFERRED
    for member in client.admin.command("replSetGetStatus", read_preference=read)["members"]:
        if member["stateStr"] not in _WELL:
            yield Alarm("ReplicaSetDegraded", f"{member['name']} is {member['stateStr']}")


def _of_services(client: MongoClient[Document], services: list[str]) -> Iterator[Alarm]:
    # its clock is the one that counts; command() leaves out the zone
    now = client.admin.command("hello")["localTime"].replace(tzinfo=UTC)
    for service in services:
        database = client[service]
        present = database.list_collection_names()
        yield from _of_outboxes(database, present, now)
        yield from _of_relay(database)
        yield from _of_migrations(database)
        if "jobs" in present:
            yield from _of_jobs(database["jobs"], service, now)
        if "erasures" in present:
            yield from _of_erasures(database["erasures"], service, now)


def _of_outboxes(database: Database[Document], present: list[str], now: datetime) -> Iterator[Alarm]:
    """An event's id begins with its instant, as 12 hexadecimal digits of milliseconds."""
    oldest = f"{int((now - WAITING).timestamp() * 1000):012x}"
    for name in sorted(present):
        if "outbox_pending" not in database[name].index_information():
            continue
        waiting = {"$and": [outbox.PENDING, {"outbox.id": {"$lt": oldest}}]}
        if count := database[name].count_documents(waiting, limit=_COUNTED):
            found = f"{_number(count)} documents hold events for more than {WAITING.seconds} s"
            yield Alarm("OutboxStuck", f"{database.name}.{name}: {found}")


def _of_relay(database: Database[Document]) -> Iterator[Alarm]:
    lease = database["relay"].find_one({"_id": "lease"}) or {}
    for kind, held in sorted((lease.get("held") or {}).items()):
        yield Alarm("EventUnroutable", f"{database.name}: {held['count']} {kind} held back since {held['since']}")


def _of_migrations(database: Database[Document]) -> Iterator[Alarm]:
    records = database[migrations.COLLECTION]
    at_work = Lock(records).holder() is not None
    for name, record in Records(records).all().items():
        if failed := record.get("failed"):
            how = f"{failed['way']} failed: {failed['error']} at {failed['where']}"
            yield Alarm("MigrationFailed", f"{database.name}: {name}, {how}")
        elif record["state"] in ("applying", "reverting") and not at_work:
            yield Alarm("MigrationPending", f"{database.name}: {name} is {record['state']}, and nobody is at it")


def _of_jobs(jobs: Collection[Document], service: str, now: datetime) -> Iterator[Alarm]:
    for job in jobs.find().sort("_id"):
        if job["failuresInARow"] >= MANY_FAILURES:
            yield Alarm("JobFailing", f"{service}: {job['_id']}, {job['failuresInARow']} runs failed in a row")
            continue
        silent = now - job["lastSuccessAt"] if job["lastSuccessAt"] else timedelta()
        if silent > max(PERIODS * timedelta(seconds=job["everySeconds"]), WAITING):
            yield Alarm("JobFailing", f"{service}: {job['_id']}, no run succeeded for {int(silent.total_seconds())} s")


def _of_erasures(erasures: Collection[Document], service: str, now: datetime) -> Iterator[Alarm]:
    late = {"completedAt": None, "startedAt": {"$lt": now - LATE}}
    for erasure in erasures.find(late, {"awaiting": 1}).limit(_COUNTED):
        awaited = ", ".join(erasure["awaiting"])
        yield Alarm(
            "ErasureLate", f"{service}: {erasure['_id']} awaits {awaited} for more than {LATE.seconds // 60} min"
        )


def _number(count: int) -> str:
    return f"{count} or more" if count == _COUNTED else str(count)


def main() -> int:
    """0 and "no alarms", or 1 and a line for each; 78 where a variable is missing."""
    missing = [name for name in ("MONGODB_URI", "AMQP_URL") if not os.environ.get(name)]
    if missing:
        print("; ".join(f"configuration: {name}: must be set" for name in missing), file=sys.stderr)
        return EX_CONFIG
    table = subscriptions(Path(os.environ.get("CONTRACTS_DIR") or CONTRACTS_IN_CHECKOUT))
    alarms = list(in_databases(os.environ["MONGODB_URI"], sorted(table)))
    alarms += in_broker(os.environ["AMQP_URL"], table, long=LONG_QUEUE, pause=BETWEEN_LOOKS)
    for alarm in alarms:
        print(alarm)
    if not alarms:
        print("no alarms")
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
