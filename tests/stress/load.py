"""The clients: patients and doctors who book, move, cancel, decide, visit, wait and change their hours, all at once."""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Lock
from typing import Any

import requests

from tests.client import Gateway, Person
from tests.clinic import DAYS, bookable_doctor
from tests.stress.ledger import Ledger

HORIZON_DAYS = 2
LENGTHS = (15, 20, 30, 45, 60)

#: What a client may be answered besides success, by action. Anything else is a surprise.
REFUSALS = {
    "book": {(409, "SLOT_TAKEN"), (409, "PATIENT_BUSY"), (409, "SLOT_UNAVAILABLE")},
    "reschedule": {
        (409, "SLOT_TAKEN"),
        (409, "PATIENT_BUSY"),
        (409, "SLOT_UNAVAILABLE"),
        (409, "INVALID_TRANSITION"),
        (409, "CONFLICT"),
    },
    "join": {(409, "ALREADY_WAITING")},
    "accept": {(409, "NO_OFFER"), (410, "OFFER_EXPIRED"), (404, "NOT_FOUND")},
    "refuse": {(409, "NO_OFFER"), (410, "OFFER_EXPIRED"), (404, "NOT_FOUND")},
    "leave": {(404, "NOT_FOUND")},
    "hours": set(),
    "slots": set(),
    "waitlist": set(),
}
CHANGE = {(409, "INVALID_TRANSITION"), (409, "CONFLICT")}


@dataclass
class Visitor:
    """A person with a connection that is kept, for one thread at a time."""

    person: Person
    session: requests.Session

    @property
    def id(self) -> str:
        return self.person.id


class Clinic:
    """The people, and what is known among them of appointments."""

    def __init__(self, gateway: Gateway, doctors: Sequence[Person], patients: Sequence[Person], ledger: Ledger) -> None:
        self.gateway = gateway
        self.doctors = list(doctors)
        self.patients = list(patients)
        self.ledger = ledger
        self._known: list[tuple[str, str, str]] = []
        self._lock = Lock()
        self._keys = count()

    def remember(self, appointment: dict[str, Any]) -> None:
        with self._lock:
            self._known.append((appointment["id"], appointment["doctorId"], appointment["patientId"]))

    def some(self, dice: random.Random) -> tuple[str, str, str] | None:
        """An appointment, more likely one of the latest."""
        with self._lock:
            recent = self._known[-400:]
        return dice.choice(recent) if recent else None

    def key(self) -> str:
        return f"stress-{next(self._keys)}"

    def person(self, user_id: str) -> Person:
        return next(one for one in (*self.doctors, *self.patients) if one.id == user_id)


def open_clinic(gateway: Gateway, admin: Person, doctors: int, patients: int, ledger: Ledger) -> Clinic:
    """Doctors who can be booked, every second of whom decides first, and patients."""
    with ThreadPoolExecutor(4) as pool:
        made = list(
            pool.map(
                lambda number: bookable_doctor(gateway, admin, f"Doctor {number}", **_hours(number, 30)),
                range(doctors),
            )
        )
        people = list(pool.map(lambda number: gateway.sign_up(f"Patient {number}"), range(patients)))
    return Clinic(gateway, made, people, ledger)


class Client:
    """One client: draws what to do next, does it, and notes what it was answered."""

    #: How many of the bookings carry an idempotency key.
    KEYED = 0.3

    def __init__(self, clinic: Clinic, seed: int) -> None:
        self._clinic = clinic
        self._ledger = clinic.ledger
        self._dice = random.Random(seed)
        self._session = requests.Session()
        self._acts: list[tuple[Callable[[], None], int]] = [
            (self._book, 34),
            (self._reschedule, 16),
            (self._cancel, 16),
            (self._decide, 14),
            (self._visit, 6),
            (self._join, 5),
            (self._answer_offers, 7),
            (self._change_hours, 2),
        ]

    def work(self, operations: int) -> None:
        """Do that many things, one after the other."""
        acts, weights = zip(*self._acts, strict=True)
        for _ in range(operations):
            self._dice.choices(acts, weights)[0]()

    # what people do

    def _book(self) -> None:
        patient, doctor = self._dice.choice(self._clinic.patients), self._dice.choice(self._clinic.doctors)
        start = self._some_start(doctor)
        if start is None:
            return
        body = {"doctorId": doctor.id, "start": start}
        key = {"Idempotency-Key": self._clinic.key()} if self._dice.random() < self.KEYED else {}
        booked = self._send("book", patient, "POST", "/appointments", body, headers=key)
        if booked:
            self._clinic.remember(booked)
            self._ledger.acknowledge("book", booked)
        if key and self._dice.random() < 0.5:
            again = self._send("book", patient, "POST", "/appointments", body, headers=key, replay=True)
            if (again or {}).get("id") != (booked or {}).get("id"):
                self._ledger.surprise(f"a retry of {key} was answered {again} after {booked}")

    def _reschedule(self) -> None:
        if not (found := self._clinic.some(self._dice)):
            return
        appointment, doctor_id, patient_id = found
        start = self._some_start(self._clinic.person(doctor_id))
        who = self._clinic.person(self._dice.choice((doctor_id, patient_id)))
        key = {"Idempotency-Key": self._clinic.key()} if self._dice.random() < self.KEYED else {}
        if start:
            self._change("reschedule", appointment, who, {"start": start}, REFUSALS["reschedule"], key)

    def _cancel(self) -> None:
        if found := self._clinic.some(self._dice):
            who = self._clinic.person(self._dice.choice(found[1:]))
            self._change("cancel", found[0], who, {}, CHANGE)

    def _decide(self) -> None:
        if found := self._clinic.some(self._dice):
            action = self._dice.choice(("confirm", "confirm", "decline"))
            self._change(action, found[0], self._clinic.person(found[1]), None, CHANGE)

    def _visit(self) -> None:
        if found := self._clinic.some(self._dice):
            action = self._dice.choice(("check-in", "complete", "no-show"))
            self._change(action, found[0], self._clinic.person(found[1]), None, CHANGE)

    def _join(self) -> None:
        patient, doctor = self._dice.choice(self._clinic.patients), self._dice.choice(self._clinic.doctors)
        today = datetime.now(UTC).date()
        dates = {"from": today.isoformat(), "to": (today + timedelta(days=HORIZON_DAYS)).isoformat()}
        self._send("join", patient, "POST", f"/doctors/{doctor.id}/waitlist", dates)

    def _answer_offers(self) -> None:
        patient = self._dice.choice(self._clinic.patients)
        places = self._send("waitlist", patient, "GET", "/waitlist?limit=100") or {"items": []}
        for place in places["items"]:
            if place["status"] != "OFFERED":
                continue
            action = self._dice.choice(("accept", "accept", "refuse", "leave"))
            if action == "leave":
                self._send("leave", patient, "DELETE", f"/waitlist/{place['id']}")
            elif action == "refuse":
                self._send("refuse", patient, "POST", f"/waitlist/{place['id']}/decline")
            elif taken := self._send("accept", patient, "POST", f"/waitlist/{place['id']}/accept"):
                self._clinic.remember(taken)
                self._ledger.acknowledge("accept", taken)

    def _change_hours(self) -> None:
        number = self._dice.randrange(len(self._clinic.doctors))
        body = {"slotMinutes": 30, **_hours(number, self._dice.choice(LENGTHS)), "weekly": _week(self._dice)}
        self._send("hours", self._clinic.doctors[number], "PUT", "/doctors/me/availability", body)

    # steps

    def _some_start(self, doctor: Person) -> str | None:
        """A start that is shown; now and then one that may be none."""
        today = datetime.now(UTC).date()
        path = f"/doctors/{doctor.id}/slots?from={today}&to={today + timedelta(days=HORIZON_DAYS)}"
        shown = self._send("slots", None, "GET", path)
        starts = [item["start"] for item in shown["items"]] if shown else []
        if not starts:
            return None
        start: str = self._dice.choice(starts[:40] if self._dice.random() < 0.5 else starts)
        if self._dice.random() < 0.05:
            shifted = datetime.fromisoformat(start) + timedelta(minutes=self._dice.choice((5, 7, -10)))
            return shifted.isoformat().replace("+00:00", "Z")
        return start

    def _change(
        self,
        action: str,
        appointment: str,
        who: Person,
        body: dict[str, Any] | None,
        refusals: set[tuple[int, str]],
        headers: dict[str, str] | None = None,
    ) -> None:
        path = f"/appointments/{appointment}/{action}"
        changed = self._send(action, who, "POST", path, body, headers=headers, refusals=refusals)
        if changed:
            self._ledger.acknowledge(action, changed)

    def _send(
        self,
        action: str,
        who: Person | None,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        headers: dict[str, str] | None = None,
        refusals: set[tuple[int, str]] | None = None,
        replay: bool = False,
    ) -> dict[str, Any] | None:
        """What was answered with success; None for a refusal that the contract knows."""
        answer = self._request(who, method, path, body, headers)
        if who and answer.status_code == 401 and answer.json().get("code") == "TOKEN_EXPIRED":
            # the whole of it may take longer than a token lives
            who.log_in().expect(200)
            answer = self._request(who, method, path, body, headers)
        content = answer.json()
        code = content.get("code")
        self._ledger.note(action, answer.status_code, code)
        if replay:
            if answer.headers.get("Idempotency-Replayed") == "true":
                self._ledger.count_replay()
            else:
                self._ledger.surprise(f"a retry was not told as one: {answer.status_code} {content}")
        if answer.status_code < 400:
            data: dict[str, Any] = content["data"] or {}
            return data
        if (answer.status_code, code) not in (REFUSALS[action] if refusals is None else refusals):
            self._ledger.surprise(f"{method} {path} was answered {answer.status_code} {content}")
        return None

    def _request(
        self, who: Person | None, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str] | None
    ) -> requests.Response:
        sent = {**(headers or {}), **({"Authorization": f"Bearer {who.tokens['accessToken']}"} if who else {})}
        url = f"{self._clinic.gateway.url}/api/v1{path}"
        return self._session.request(method, url, json=body, headers=sent, timeout=60)


def run(clinic: Clinic, operations: int, clients: int, seed: int, tell: Callable[[str], None]) -> float:
    """Let the clients do ``operations`` things in all; the seconds that it took."""
    began = time.monotonic()
    share = operations // clients
    with ThreadPoolExecutor(clients) as pool:
        working = [pool.submit(Client(clinic, seed * 1000 + number).work, share) for number in range(clients)]
        while wait(working, timeout=5).not_done:
            done = sum(clinic.ledger.answers.values())
            tell(f"{done} requests answered after {time.monotonic() - began:.0f} s")
        for one in working:
            one.result()
    return time.monotonic() - began


def _hours(number: int, minutes: int) -> dict[str, Any]:
    zones = ("America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia")
    return {
        "timezone": zones[number % len(zones)],
        "slotMinutes": minutes,
        "horizonDays": HORIZON_DAYS,
        "minNoticeMinutes": 30,
        "cancellationNoticeMinutes": 0,
        "requiresConfirmation": number % 2 == 1,
    }


def _week(dice: random.Random) -> list[dict[str, str]]:
    """Every day from a drawn opening on: what was booked before may lie outside of it then."""
    opens = dice.choice(("00:00", "00:30", "02:00", "06:00"))
    return [{"weekday": day, "from": opens, "to": "24:00"} for day in DAYS]
