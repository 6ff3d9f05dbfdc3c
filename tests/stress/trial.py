"""One trial: open a clinic, let the clients loose, wait until all is told, and look."""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pika
import pymongo

from chassis import amqp
from devkit.suite import Instance
from devkit.waiting import eventually
from tests.client import Gateway, Person
from tests.queues import busy_queues
from tests.stress import checker
from tests.stress.ledger import Ledger
from tests.stress.load import HORIZON_DAYS, Clinic, open_clinic, run

SERVICE = "appointment-service"
SETTINGS = {
    "ACCESS_TOKEN_MINUTES": "60",
    "RATE_LIMITS": "off",
    # offers lapse while the clients work
    "OFFER_SECONDS": "5",
    "EXPIRE_OFFERS_EVERY_SECONDS": "2",
    # a mail asks three services before it is sent: some hundred thousand of them would take longer than all the rest
    "DELIVER_MAIL_EVERY_SECONDS": "86400",
}


@dataclass(frozen=True)
class Outcome:
    ledger: Ledger
    appointments: list[Mapping[str, Any]]
    events: int
    shown: int
    seconds: float
    violations: list[str]


class Announcements:
    """A queue of the trial's own that gets a copy of what services announce: {source: [event type, or # for all]}."""

    queue = "trial.announcements"

    def __init__(self, amqp_url: str, kinds: Mapping[str, Iterable[str]]) -> None:
        self._parameters = pika.URLParameters(amqp_url)
        with pika.BlockingConnection(self._parameters) as connection:
            channel = connection.channel()
            channel.queue_declare(self.queue, durable=True, arguments={"x-queue-type": "quorum"})
            channel.queue_purge(self.queue)
            for source, wanted in kinds.items():
                for kind in wanted:
                    channel.queue_bind(self.queue, amqp.exchange(source), kind)

    def drain(self) -> list[dict[str, Any]]:
        """All that was announced since this was made; then no more is gathered."""
        events: list[dict[str, Any]] = []
        with pika.BlockingConnection(self._parameters) as connection:
            channel = connection.channel()
            while (got := channel.basic_get(self.queue, auto_ack=True))[0]:
                events.append(json.loads(got[2]))
            channel.queue_delete(self.queue)
        return events


def stressed(
    suite: Instance, operations: int, clients: int, seed: int, doctors: int, tell: Callable[[str], None]
) -> Outcome:
    """Do it all on a running suite (``SETTINGS``), with six patients to a doctor; what is wrong afterwards."""
    ledger = Ledger()
    announced = Announcements(suite.amqp_url, {SERVICE: ["#"]})
    gateway = Gateway(suite.gateway_url)
    admin = gateway.log_in(suite.settings["ADMIN_EMAIL"], suite.settings["ADMIN_PASSWORD"])
    clinic = open_clinic(gateway, admin, doctors, 6 * doctors, ledger)
    known = {person.id for person in clinic.doctors}
    seconds = run(clinic, operations, clients, seed, tell)
    with pymongo.MongoClient[dict[str, Any]](suite.mongodb_uri, tz_aware=True) as mongo:
        database = mongo[SERVICE]
        ours = {"doctorId": {"$in": sorted(known)}}
        tell("everybody leaves the lines; waiting for the last announcement")
        _leave_the_lines(clinic)
        eventually(lambda: not database["appointments"].count_documents({**ours, "status": checker.HELD}), timeout=60)
        for collection in ("appointments", "waitlist"):
            eventually(lambda name=collection: _published(database[name]), timeout=900)
        tell("waiting for every consumer to have acted on it")
        eventually(lambda: not busy_queues(suite), timeout=600)
        appointments = list(database["appointments"].find(ours))
        hidden = [line for doctor in clinic.doctors for line in _not_shown(clinic, doctor, database)]
    events = [event for event in announced.drain() if event["data"].get("doctorId") in known]
    ids = {event["id"] for event in events}
    found = [*ledger.surprises, *checker.violations(appointments, events, ledger)]
    if len(ids) != len(events):
        found.append(f"{len(events) - len(ids)} announcements were published twice")
    shown, unbookable = _book_what_is_shown(clinic)
    return Outcome(ledger, appointments, len(events), shown, seconds, [*found, *hidden, *unbookable])


def _leave_the_lines(clinic: Clinic) -> None:
    """Or the last offers would pass from one to the next for minutes."""

    def leave(patient: Person) -> None:
        for place in patient.get("/waitlist?limit=100").expect(200).data["items"]:
            if place["status"] != "ACCEPTED":
                patient.call("DELETE", f"/waitlist/{place['id']}").expect(200)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(leave, clinic.patients))


def _published(collection: Any) -> bool:
    return collection.count_documents({"outbox.id": {"$exists": True}}, limit=1) == 0


def _not_shown(clinic: Clinic, doctor: Person, database: Any) -> list[str]:
    now = datetime.now(UTC)
    hours = clinic.gateway.call("GET", f"/doctors/{doctor.id}/availability").expect(200).data
    first = now.astimezone(ZoneInfo(hours["timezone"])).date()
    last = first + timedelta(days=HORIZON_DAYS)
    path = f"/doctors/{doctor.id}/slots?from={first}&to={last}"
    shown = [item["start"] for item in clinic.gateway.call("GET", path).expect(200).data["items"]]
    held = database["appointments"].find({"doctorId": doctor.id, "status": {"$in": [*checker.ACTIVE, checker.HELD]}})
    return [f"{doctor.id}: {line}" for line in checker.unseen(hours, held, shown, first, last, now)]


def _book_what_is_shown(clinic: Clinic) -> tuple[int, list[str]]:
    """No slot is lost: what nobody holds is shown, and what is shown can be booked, every single one."""
    newcomers = [clinic.gateway.sign_up(f"Newcomer {number}") for number in range(len(clinic.doctors))]
    today = datetime.now(UTC).date()
    span = f"from={today}&to={today + timedelta(days=HORIZON_DAYS)}"

    def fill(doctor: Person, patient: Person) -> tuple[int, list[str]]:
        wrong = []
        items = clinic.gateway.call("GET", f"/doctors/{doctor.id}/slots?{span}").expect(200).data["items"]
        for item in items:
            answer = patient.post("/appointments", {"doctorId": doctor.id, "start": item["start"]})
            begun = datetime.fromisoformat(item["start"]) < datetime.now(UTC) + timedelta(minutes=31)
            if answer.status != 201 and not (begun and answer.code == "SLOT_UNAVAILABLE"):
                wrong.append(f"{item} of {doctor.id} is shown, and booking it: {answer.status} {answer.code}")
        left = clinic.gateway.call("GET", f"/doctors/{doctor.id}/slots?{span}").expect(200).data["items"]
        return len(items), [*wrong, *(f"{item} of {doctor.id} is still shown" for item in left)]

    with ThreadPoolExecutor(4) as pool:
        filled = list(pool.map(fill, clinic.doctors, newcomers))
    return sum(number for number, _ in filled), [line for _, lines in filled for line in lines]
