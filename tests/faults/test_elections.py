"""A database of three members changes its primary while people book, read and cancel."""

import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from devkit.suite import Instance
from devkit.waiting import eventually
from tests.client import Answer, Gateway, Person, Surprise
from tests.clinic import bookable_doctor

CLIENTS = 4
RECOVERY_SECONDS = 30


class Client:
    """Books slots that nobody else wants, reads each booking, cancels every second one, and notes what it was told."""

    def __init__(self, patient: Person, doctor: Person, starts: Iterator[str], stopped: Event) -> None:
        self._patient, self._doctor, self._starts, self._stopped = patient, doctor, starts, stopped
        self.told: dict[str, str] = {}
        #: Starts of bookings, and ids of cancellations, of which a 503 left open whether they took effect.
        self.open: set[str] = set()
        self.answers: Counter[str] = Counter()
        self.rounds = 0

    def work(self) -> None:
        for number, start in enumerate(self._starts):
            if self._stopped.wait(0.1):
                return
            keyed = number % 2 == 0
            booking = self._book(start, keyed)
            if booking:
                self._read(booking)
                if number % 4 < 2:
                    self._cancel(booking)
            self.rounds += 1

    def _book(self, start: str, keyed: bool) -> str | None:
        body = {"doctorId": self._doctor.id, "start": start}
        key = {"Idempotency-Key": f"{self._patient.id}-{start}"} if keyed else {}
        answer = self._call("POST", "/appointments", body, headers=key)
        while keyed and answer.code in ("SERVICE_UNAVAILABLE", "IDEMPOTENCY_IN_PROGRESS"):
            self._stopped.wait(0.2)
            answer = self._call("POST", "/appointments", body, headers=key)
        if answer.status == 503:
            self.open.add(start)
            return None
        # nobody else wants it: a refusal would be its own first try, which the database's driver repeated
        booking: str = answer.expect(201).data["id"]
        self.told[booking] = "BOOKED"
        return booking

    def _read(self, booking: str) -> None:
        answer = self._call("GET", f"/appointments/{booking}")
        if answer.status != 503 and answer.expect(200).data["status"] != "BOOKED":
            raise Surprise(f"{booking} is {answer.data['status']}")

    def _cancel(self, booking: str) -> None:
        answer = self._call("POST", f"/appointments/{booking}/cancel")
        if answer.status == 503:
            self.open.add(booking)
        else:
            self.told[booking] = answer.expect(200).data["status"]

    def _call(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        answer = self._patient.call(method, path, body, **options)
        self.answers[f"{answer.status} {answer.code or ''}"] += 1
        if answer.status == 503 and not int(answer.headers.get("Retry-After", "0")):
            raise Surprise(f"{method} {path}: 503 without Retry-After")
        return answer


def step_down(suite: Instance) -> None:
    with MongoClient[dict[str, Any]](suite.mongodb_uri) as client, suppress(PyMongoError):
        client.admin.command("replSetStepDown", 10)


def kill_primary(suite: Instance) -> None:
    suite.kill(suite.primary())


def freeze_primary(suite: Instance) -> None:
    frozen = suite.primary()
    suite.kill(frozen, signal.SIGSTOP)
    try:
        eventually(lambda: suite.primary() not in ("", frozen), RECOVERY_SECONDS)
    finally:
        suite.kill(frozen, signal.SIGCONT)


def kill_secondary(suite: Instance) -> None:
    suite.kill(next(name for name in suite.plan.mongodb_members if name != suite.primary()))


def test_an_election_costs_a_wait_or_a_503_and_nothing_that_was_told(
    suite: Instance, gateway: Gateway, admin: Person
) -> None:
    stopped = Event()
    doctor = bookable_doctor(gateway, admin, slotMinutes=15)
    starts = iter(_starts(gateway, doctor))
    patients = [gateway.sign_up(f"Patient {number}") for number in range(CLIENTS)]
    clients = [Client(patient, doctor, starts, stopped) for patient in patients]
    with ThreadPoolExecutor(CLIENTS) as pool:
        working = [pool.submit(client.work) for client in clients]
        try:
            for fault in (step_down, kill_primary, freeze_primary, kill_secondary):
                fault(suite)
                eventually(suite.primary, RECOVERY_SECONDS)
                reached = [client.rounds for client in clients]
                # the round that was under way when the fault came, and one that began after it
                for client, before in zip(clients, reached, strict=True):
                    eventually(lambda c=client, b=before: c.rounds >= b + 2, RECOVERY_SECONDS)
        finally:
            stopped.set()
        for each in working:
            each.result()
    assert sum((client.answers for client in clients), Counter()).keys() <= {
        "200 ",
        "201 ",
        "503 SERVICE_UNAVAILABLE",
        "409 IDEMPOTENCY_IN_PROGRESS",
    }
    stored = _stored(suite, doctor)
    told = {booking: status for client in clients for booking, status in client.told.items()}
    left_open = set().union(*(client.open for client in clients))
    assert {booking: stored[booking]["status"] for booking in told if booking not in left_open} == {
        booking: status for booking, status in told.items() if booking not in left_open
    }
    assert {_instant(item) for key, item in stored.items() if key not in told} <= left_open, "one was booked twice"
    suite.wait_until_healthy()


def _starts(gateway: Gateway, doctor: Person) -> list[str]:
    first = datetime.now(UTC).date()
    path = f"/doctors/{doctor.id}/slots?from={first}&to={first + timedelta(days=7)}"
    items = gateway.call("GET", path).expect(200).data["items"]
    return [item["start"] for item in items]


def _stored(suite: Instance, doctor: Person) -> dict[str, dict[str, Any]]:
    with MongoClient[dict[str, Any]](suite.mongodb_uri, tz_aware=True) as client:
        appointments = client["appointment-service"]["appointments"].find({"doctorId": doctor.id})
        return {item["_id"]: item for item in appointments}


def _instant(item: dict[str, Any]) -> str:
    text: str = item["start"].isoformat().replace("+00:00", "Z")
    return text
