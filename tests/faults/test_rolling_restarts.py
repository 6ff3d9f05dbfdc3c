"""Processes are restarted, one after the other, while people sign up, book, read and cancel: nothing is lost."""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock
from typing import Any

import requests
from pymongo import MongoClient

from chassis.clock import new_id
from devkit import workers
from devkit.suite import Instance
from tests.client import Gateway, Person, eventually
from tests.clinic import bookable_doctor, slots
from tests.queues import busy_queues

DOCTORS = BOOKERS = 3
SERVICES = ("gateway", "appointment", "scheduler")
"""Restarted here, with every kind of process among theirs; `make chaos` restarts those of all services."""


@dataclass
class Record:
    """What the clients were told, and how long they waited for it, by the process that was restarted then."""

    during: str = "nothing"
    answered: Counter[str] = field(default_factory=Counter)
    unavailable: Counter[str] = field(default_factory=Counter)
    longest: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    failed: list[str] = field(default_factory=list)
    booked: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)


class Client:
    """A program that uses the gateway as it should: connections kept, a 503 repeated after its Retry-After."""

    def __init__(self, url: str, record: Record) -> None:
        self._url = url
        self.record = record
        self._session = requests.Session()

    def close(self) -> None:
        self._session.close()

    def call(
        self, method: str, path: str, body: Any = None, *, token: str = "", key: str = "", done_before: int = 0
    ) -> Any:
        """The answer's data; None for a failure, which is noted.

        ``done_before`` is what a repetition is told if the first attempt, answered 503, had its effect after all.
        """
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if key:
            headers["Idempotency-Key"] = key
        began, during = time.monotonic(), self.record.during
        allowed = set()
        while True:
            try:
                answer = self._session.request(
                    method, f"{self._url}/api/v1{path}", json=body, headers=headers, timeout=30
                )
            except requests.RequestException as error:
                return self._note(f"{method} {path}: {error!r}", during, began)
            if answer.status_code != 503:
                break
            allowed.add(done_before)
            with self.record.lock:
                self.record.unavailable[during] += 1
            time.sleep(float(answer.headers["Retry-After"]))
        if answer.ok or answer.status_code in allowed:
            self._note("", during, began)
            return answer.json().get("data") or {}
        return self._note(f"{method} {path}: {answer.status_code} {answer.text}", during, began)

    def _note(self, failure: str, during: str, began: float) -> None:
        record = self.record
        with record.lock:
            record.answered[during] += 1
            record.longest[during] = max(record.longest[during], time.monotonic() - began)
            if failure:
                record.failed.append(f"as {during} was restarted: {failure}")


def booking(client: Client, patient: Person, doctor: Person, free: deque[str]) -> None:
    """Book the next free slot; every third time, and before there is none left, change one's mind."""
    record, token, start = client.record, patient.tokens["accessToken"], free.popleft()
    booked = client.call("POST", "/appointments", {"doctorId": doctor.id, "start": start}, token=token, key=new_id())
    if booked is None:
        return
    with record.lock:
        record.booked.add(booked["id"])
        stays = len(record.booked) % 3 and len(free) > 10
    path = f"/appointments/{booked['id']}/cancel"
    if not stays and client.call("POST", path, {}, token=token, done_before=409) is not None:
        record.cancelled.add(booked["id"])
        free.append(start)


def joining(client: Client) -> None:
    """Sign up, log in, look at one's own profile."""
    email, password = f"{new_id()}@clinic.example", new_id()
    body = {"email": email, "password": password, "name": "Ann Lee", "role": "patient"}
    if client.call("POST", "/auth/signup", body, done_before=409) is None:
        return
    client.record.emails.add(email)
    tokens = client.call("POST", "/auth/login", {"email": email, "password": password})
    if tokens:
        client.call("GET", "/users/me", token=tokens["accessToken"])


def reading(client: Client, doctors: list[Person]) -> None:
    for doctor in doctors:
        client.call("GET", f"/doctors/{doctor.id}")
    client.call("GET", "/doctors?specialty=Cardiology")


def until(stopped: Event, work: Callable[[], None]) -> None:
    while not stopped.wait(0.2):
        work()


def test_a_rolling_restart_costs_nobody_an_answer(suite: Instance, gateway: Gateway, admin: Person) -> None:
    record, stopped = Record(), Event()
    doctors = [bookable_doctor(gateway, admin, f"Ben Ito {number}") for number in range(DOCTORS)]
    free = [deque(slot["start"] for slot in slots(gateway, doctor)) for doctor in doctors]
    patients = [gateway.sign_up("Ann Lee") for _ in range(BOOKERS)]
    processes = [
        process.name for process in suite.plan.processes() if process.stage == 2 and process.name.startswith(SERVICES)
    ]
    webs = [name for name in processes if name.endswith("-web")]
    before = {name: working_pids(suite, name) for name in processes}

    clients = [Client(suite.gateway_url, record) for _ in range(BOOKERS + 2)]
    works: list[Callable[[], None]] = [
        *(partial(booking, *who) for who in zip(clients, patients, doctors, free, strict=False)),
        partial(joining, clients[-1]),
        partial(reading, clients[-2], doctors),
    ]
    with ThreadPoolExecutor(len(works)) as pool:
        working = [pool.submit(until, stopped, work) for work in works]
        try:
            for name in webs:
                record.during = name
                suite.restart(name)
            for kind in ("consumer", "relay", "worker", "beat"):
                record.during = f"every {kind}"
                suite.restart(*(name for name in processes if name.endswith(f"-{kind}")))
            # as where nothing takes its place meanwhile: a container
            record.during = "appointment-web, with a gap"
            suite.stop("appointment-web")
            suite.start("appointment-web")
        finally:
            stopped.set()
            print("answers:", record.answered, "\n503:", record.unavailable, "\nlongest (s):", dict(record.longest))
        for each in working:
            each.result()
    for each in clients:
        each.close()

    assert not record.failed
    assert not [name for name, pids in before.items() if pids & working_pids(suite, name)], "they were not replaced"
    # what has to wait a little, waits; a client hears of it at most where a process went away under a request
    assert sum(record.unavailable.values()) <= sum(record.answered.values()) / 50, record.unavailable
    assert_everybody_knows(suite, record)


def _are_empty(suite: Instance) -> bool:
    busy = busy_queues(suite)
    assert not busy, busy
    return True


def working_pids(suite: Instance, process: str) -> set[int]:
    pid = suite.pid(process)
    return workers.serving(pid) or {pid}


def assert_everybody_knows(suite: Instance, record: Record) -> None:
    """What was acknowledged stands, once, and has come to all who act on it."""
    assert record.booked
    assert record.cancelled
    assert record.emails
    with MongoClient[dict[str, Any]](suite.mongodb_uri, tz_aware=True) as client:
        found = {one["_id"]: one for one in client["appointment-service"]["appointments"].find()}
        for identifier in record.booked:
            assert found[identifier]["status"] == ("CANCELLED" if identifier in record.cancelled else "BOOKED")
        taken = Counter((one["doctorId"], one["start"]) for one in found.values() if one["status"] == "BOOKED")
        assert set(taken.values()) == {1}
        eventually("every queue to be empty", lambda: _are_empty(suite), seconds=30)

        def told() -> bool:
            heard = {one["_id"]: one["version"] for one in client["scheduler-service"]["heard"].find()}
            known = set(client["user-service"]["users"].distinct("email"))
            assert {i for i in record.booked if heard.get(i) != found[i]["version"]} == set()
            assert record.emails - known == set()
            waiting = {"outbox.id": {"$exists": True}}
            assert not client["appointment-service"]["appointments"].count_documents(waiting)
            assert not client["auth-service"]["credentials"].count_documents(waiting)
            return True

        eventually("every event to have had its effect", told, seconds=30)
