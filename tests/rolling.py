"""Clients who work while the suite's parts are replaced, and a look at what has become of what they were told."""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from threading import Event, Lock
from typing import Any, Protocol

import requests
from pymongo import MongoClient
from urllib3.exceptions import MaxRetryError, NewConnectionError

from chassis.clock import new_id
from tests.client import Gateway, Person, eventually
from tests.clinic import bookable_doctor, slots
from tests.queues import busy_queues

DOCTORS = BOOKERS = 3
PATIENCE_SECONDS = 120.0
"""For one answer: a server that was killed takes a while to come back."""


class Suite(Protocol):
    """What is looked at in the end."""

    @property
    def mongodb_uri(self) -> str: ...
    @property
    def amqp_url(self) -> str: ...


@dataclass
class Record:
    """What the clients were told, and how long they waited for it, by the process that was restarted then."""

    during: str = "nothing"
    answered: Counter[str] = field(default_factory=Counter)
    unavailable: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    longest: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    failed: list[str] = field(default_factory=list)
    booked: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)


class Balancer:
    """Whose turn it is among several gateways: of those that answer, looked at each second, as a balancer does."""

    def __init__(self, urls: Sequence[str], stopped: Event) -> None:
        self._urls = self._ready = list(urls)
        self._turns = count()
        self._stopped = stopped

    def in_turn(self) -> list[str]:
        ready = self._ready
        start = next(self._turns) % len(ready)
        return ready[start:] + ready[:start]

    def look_until_stopped(self) -> None:
        while len(self._urls) > 1 and not self._stopped.wait(1):
            # none of them means that the look was at fault
            self._ready = [url for url in self._urls if self._answers(url)] or self._ready

    def _answers(self, url: str) -> bool:
        try:
            return requests.get(f"{url}/health/live", timeout=5).ok
        except requests.RequestException:
            return False


class Client:
    """A program that uses the gateway as it should: connections kept, a 503 repeated after its Retry-After.

    Where a gateway takes no connection it is asked of the next, as by the balancer before them. A ``persistent`` one
    also asks again where no answer came, for each thing it does may be repeated.
    """

    def __init__(self, balancer: Balancer, record: Record, *, persistent: bool = False) -> None:
        self._balancer = balancer
        self._persistent = persistent
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
                answer = self._send(method, path, json=body, headers=headers)
            except requests.RequestException as error:
                if not self._persistent or time.monotonic() - began > PATIENCE_SECONDS:
                    return self._note(f"{method} {path}: {error!r}", during, began)
                allowed.add(done_before)
                with self.record.lock:
                    self.record.unanswered[during] += 1
                time.sleep(0.2)
                continue
            if not self._is_to_be_repeated(answer):
                break
            allowed.add(done_before)
            with self.record.lock:
                self.record.unavailable[during] += 1
            time.sleep(float(answer.headers.get("Retry-After", 0.2)))
        if answer.ok or answer.status_code in allowed:
            self._note("", during, began)
            return answer.json().get("data") or {}
        return self._note(f"{method} {path}: {answer.status_code} {answer.text}", during, began)

    def _is_to_be_repeated(self, answer: requests.Response) -> bool:
        if not self._persistent:
            # one that does not say when to come again is a failure
            return answer.status_code == 503 and "Retry-After" in answer.headers
        running = answer.status_code == 409 and answer.json().get("code") == "IDEMPOTENCY_IN_PROGRESS"
        return running or answer.status_code in (502, 503, 504)

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        *others, last = self._balancer.in_turn()
        for url in others:
            try:
                return self._session.request(method, f"{url}/api/v1{path}", timeout=30, **options)
            except requests.ConnectionError as error:
                if not _took_no_connection(error):
                    raise
        return self._session.request(method, f"{last}/api/v1{path}", timeout=30, **options)

    def _note(self, failure: str, during: str, began: float) -> None:
        record = self.record
        with record.lock:
            record.answered[during] += 1
            record.longest[during] = max(record.longest[during], time.monotonic() - began)
            if failure:
                record.failed.append(f"as {during} was restarted: {failure}")


def _took_no_connection(error: requests.ConnectionError) -> bool:
    """Whether nothing can have been sent."""
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


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


def until(stopped: Event, work: Callable[[], None], pause: float) -> None:
    while not stopped.wait(pause):
        work()


@contextmanager
def clients_at_work(
    gateway: Gateway, admin: Person, urls: Sequence[str], *, persistent: bool = False, pause: float = 0.2
) -> Iterator[Record]:
    """People who book, cancel, sign up and read, until the block ends; what they were told is in the record."""
    record, stopped = Record(), Event()
    doctors = [bookable_doctor(gateway, admin, f"Ben Ito {number}") for number in range(DOCTORS)]
    free = [deque(slot["start"] for slot in slots(gateway, doctor)) for doctor in doctors]
    patients = [gateway.sign_up("Ann Lee") for _ in range(BOOKERS)]
    balancer = Balancer(urls, stopped)
    clients = [Client(balancer, record, persistent=persistent) for _ in range(BOOKERS + 2)]
    works: list[Callable[[], None]] = [
        *(partial(booking, *who) for who in zip(clients, patients, doctors, free, strict=False)),
        partial(joining, clients[-1]),
        partial(reading, clients[-2], doctors),
    ]
    with ThreadPoolExecutor(len(works) + 1) as pool:
        pool.submit(balancer.look_until_stopped)
        working = [pool.submit(until, stopped, work, pause) for work in works]
        try:
            yield record
        finally:
            stopped.set()
            print("answers:", record.answered, "\n503:", record.unavailable, "\nno answer:", record.unanswered)
            print("longest (s):", dict(record.longest), "\nfailed:", record.failed)
        for each in working:
            each.result()
    for each in clients:
        each.close()


def assert_everybody_knows(suite: Suite, record: Record, seconds: float = 30) -> None:
    """What was acknowledged stands, once, and has come to all who act on it within so many seconds."""
    assert record.booked
    assert record.cancelled
    assert record.emails
    with MongoClient[dict[str, Any]](suite.mongodb_uri, tz_aware=True) as client:
        found = {one["_id"]: one for one in client["appointment-service"]["appointments"].find()}
        for identifier in record.booked:
            assert found[identifier]["status"] == ("CANCELLED" if identifier in record.cancelled else "BOOKED")
        taken = Counter((one["doctorId"], one["start"]) for one in found.values() if one["status"] == "BOOKED")
        assert set(taken.values()) == {1}
        eventually("every queue to be empty", lambda: _are_empty(suite), seconds)

        def told() -> bool:
            heard = {one["_id"]: one["version"] for one in client["scheduler-service"]["heard"].find()}
            known = set(client["user-service"]["users"].distinct("email"))
            assert {i for i in record.booked if heard.get(i) != found[i]["version"]} == set()
            assert record.emails - known == set()
            waiting = {"outbox.id": {"$exists": True}}
            assert not client["appointment-service"]["appointments"].count_documents(waiting)
            assert not client["auth-service"]["credentials"].count_documents(waiting)
            return True

        eventually("every event to have had its effect", told, seconds)


def _are_empty(suite: Suite) -> bool:
    busy = busy_queues(suite)
    assert not busy, busy
    return True
