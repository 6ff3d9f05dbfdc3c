"""One trial: open a clinic, let clients and torment loose, wait until all is told, and look."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pymongo

from devkit.waiting import eventually, holds_within
from tests.chaos import effects
from tests.chaos.clients import ChaosLedger, PersistentClient
from tests.chaos.faults import Tormentor
from tests.chaos.instance import WITNESS, ChaosInstance
from tests.chaos.sabotage import Guard
from tests.client import Gateway, Surprise
from tests.stress import checker
from tests.stress.load import Clinic, open_clinic
from tests.stress.trial import Announcements

SETTLED_SECONDS = 180.0
"""For everything to be well again after the last fault; longer than any lease, back-off or pause of the suite."""

Tell = Callable[[str], None]


@dataclass
class Outcome:
    ledger: ChaosLedger
    violations: list[str] = field(default_factory=list)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    events: int = 0
    published_twice: int = 0
    tormented_seconds: float = 0.0
    settled_seconds: float = 0.0
    back_seconds: float = 0.0


def tormented(
    suite: ChaosInstance,
    *,
    kills: int,
    clients: int,
    seed: int,
    tell: Tell,
    doctors: int = 4,
    pause: float = 0.0,
    guard: Guard | None = None,
    broker_away: float = 0.0,
) -> Outcome:
    """Torment a running suite while clients work, then look.

    ``pause``: seconds between two things that a client does; ``broker_away``: seconds without RabbitMQ at the end;
    ``guard``: what the suite lacks, to be found by the faults that show it.
    """
    ledger = ChaosLedger()
    outcome = Outcome(ledger)
    announced = Announcements(suite.amqp_url, suite.subscriptions[WITNESS])
    gateway = Gateway(suite.gateway_url)
    admin = gateway.log_in(suite.settings["ADMIN_EMAIL"], suite.settings["ADMIN_PASSWORD"])
    clinic = open_clinic(gateway, admin, doctors, 6 * doctors, ledger)
    tormentor = Tormentor(suite, seed, tell, announced.queue, guard)
    stopped = Event()
    with ThreadPoolExecutor(clients) as pool:
        working = [
            pool.submit(PersistentClient(clinic, ledger, seed * 1000 + number, stopped, pause).work_until_stopped)
            for number in range(clients)
        ]
        began = time.monotonic()
        try:
            if kills:
                tormentor.torment(kills, stopped)
            if broker_away:
                outcome.back_seconds = _without_broker(suite, broker_away, tell)
        finally:
            stopped.set()
        outcome.tormented_seconds = time.monotonic() - began
        for one in working:
            try:
                one.result()
            except (TimeoutError, Surprise) as error:
                outcome.violations.append(f"a client was stuck: {error}")
    outcome.faults = tormentor.counts
    began = time.monotonic()
    # what has gathered is delivered in the time in which it gathered, at the latest
    outcome.violations += _not_settled(suite, SETTLED_SECONDS + broker_away, tell)
    outcome.settled_seconds = time.monotonic() - began
    outcome.violations += ledger.surprises
    outcome.violations += _look(suite, clinic, announced, outcome)
    return outcome


def _without_broker(suite: ChaosInstance, seconds: float, tell: Tell) -> float:
    """How long, after the broker is back, until every queue has its consumer."""
    tell(f"the broker stays away for {seconds:.0f} s")
    suite.stop("rabbitmq")
    holds_within(seconds, lambda: False)
    suite.start("rabbitmq")
    began = time.monotonic()
    eventually(lambda: _listening(suite), timeout=120, every=0.5)
    took = time.monotonic() - began
    tell(f"every consumer was back {took:.1f} s after the broker")
    return took


def _listening(suite: ChaosInstance) -> bool:
    with suppress(Exception):
        return not suite.unconsumed()
    return False


def _not_settled(suite: ChaosInstance, within: float, tell: Tell) -> list[str]:
    """What is still not well when everything has had its time."""
    tell("waiting for every process to be well, every announcement to be out, and every consumer to have acted on it")
    found: list[str] = ["never looked"]

    def look() -> bool:
        before = list(found)
        found[:] = list(_restless(suite))
        if found and found != before:
            tell(f"not yet: {'; '.join(found)}"[:300])
        return not found

    holds_within(within, look, every=1.0)
    return [f"stuck: {line}" for line in found]


def _restless(suite: ChaosInstance) -> Iterator[str]:
    sick = [row.name for row in suite.status() if not row.healthy]
    if sick:
        yield f"{', '.join(sick)} not healthy"
        return
    yield from (f"nobody consumes {name}" for name in suite.unconsumed())
    yield from (f"{count} messages in {name}" for name, count in suite.waiting().items())
    with _databases(suite) as mongo:
        for name in mongo.list_database_names():
            if not name.endswith("-service"):
                continue
            database = mongo[name]
            for collection in database.list_collection_names():
                if "outbox_pending" in database[collection].index_information():
                    pending = database[collection].count_documents({"outbox.id": {"$exists": True}})
                    if pending:
                        yield f"{pending} documents of {name}.{collection} hold events"
            if held := (database["relay"].find_one({"_id": "lease"}) or {}).get("held"):
                yield f"{name} holds {', '.join(held)}"
        running = mongo["scheduler-service"]["runs"].count_documents(
            {"status": "RUNNING", "queuedAt": {"$lt": _ago(60)}}
        )
        if running:
            yield f"{running} runs of jobs have been going on for more than a minute"
        expired = mongo["appointment-service"]["appointments"].count_documents({"status": checker.HELD})
        if expired:
            yield f"{expired} offers are held still"


def _ago(seconds: float) -> datetime:
    return datetime.fromtimestamp(time.time() - seconds, UTC)


def _databases(suite: ChaosInstance) -> pymongo.MongoClient[dict[str, Any]]:
    return pymongo.MongoClient(suite.mongodb_uri, tz_aware=True, readConcernLevel="majority")


def _look(suite: ChaosInstance, clinic: Clinic, announced: Announcements, outcome: Outcome) -> list[str]:
    ledger = outcome.ledger
    people = {person.id for person in clinic.doctors}
    told = announced.drain()
    events = list({event["id"]: event for event in told}.values())
    outcome.events, outcome.published_twice = len(events), len(told) - len(events)
    with _databases(suite) as mongo:
        every = {name: mongo[name] for name in suite.subscriptions}

        def all_of(service: str, collection: str) -> list[Any]:
            return list(every[service][collection].find({}, {"outbox": 0}))

        found = effects.Found(
            appointments=[item for item in all_of("appointment-service", "appointments") if item["doctorId"] in people],
            relations=all_of("user-service", "relations"),
            visits=all_of("review-service", "visits"),
            reviews=[item for item in all_of("review-service", "reviews") if item["doctorId"] in people],
            doctors=[item for item in all_of("doctor-service", "doctors") if item["_id"] in people],
            mails=all_of("scheduler-service", "mails"),
            credentials=all_of("auth-service", "credentials"),
            users=all_of("user-service", "users"),
        )
        inboxes = {name: {item["_id"] for item in all_of(name, "inbox")} for name in every}
        counts = {item["_id"]: item["count"] for item in all_of(WITNESS, "counts")}
    about = [event for event in events if event["data"].get("doctorId") in people and _of_appointment(event)]
    others = {name: row for name, row in suite.subscriptions.items() if name != WITNESS}
    return [
        *checker.violations(found.appointments, about, ledger),
        *effects.handled(events, others, inboxes),
        *effects.counted(events, counts, suite.subscriptions[WITNESS]),
        *effects.appointments_told(found),
        *effects.ratings(found, ledger.reviews),
        *effects.accounts(found, ledger.joined, ledger.left, datetime.now(UTC)),
        *_drift(suite),
    ]


def _of_appointment(event: dict[str, Any]) -> bool:
    return "appointmentId" in event["data"] and event["source"] == "appointment-service"


def _drift(suite: ChaosInstance) -> Iterator[str]:
    """What the suite's own comparison of its projections finds."""
    for name in ("auth", "user", "doctor", "appointment", "review", "scheduler"):
        checked = suite.run_in(f"{name}-consumer", f"{name}_service.projections", "check", capture=True)
        if checked.returncode:
            yield f"{name}-service drifted: {(checked.stdout + checked.stderr)[-2000:]}"
