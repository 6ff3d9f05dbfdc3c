"""Clients who do not give up: what is answered with 503, or not at all, they ask again until they know."""

import random
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

import requests

from devkit.waiting import holds_within
from tests.client import Person
from tests.stress.ledger import Ledger
from tests.stress.load import REFUSALS, Client, Clinic

PATIENCE_SECONDS = 150.0
"""For one answer: a broker and a primary that die one after the other take a minute to come back."""

_LOST = "no answer"
_AWAY = (502, 503, 504)

REFUSALS |= {
    "sign up": {(409, "EMAIL_TAKEN")},
    "log in": set(),
    "leave for good": {(401, "TOKEN_REVOKED"), (403, "ACCOUNT_DELETED")},
    # the visit's news may be on its way still
    "review": {(409, "NOT_REVIEWABLE"), (409, "ALREADY_REVIEWED"), (404, "NOT_FOUND")},
}


@dataclass
class ChaosLedger(Ledger):
    """Besides what appointments became: who came, who left, what was reviewed, and how often a client had to wait."""

    joined: dict[str, str] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    reviews: dict[str, str] = field(default_factory=dict)
    interruptions: Counter[str] = field(default_factory=Counter)
    longest_wait: float = 0.0
    _more: Lock = field(default_factory=Lock)

    def interrupted(self, why: str) -> None:
        with self._more:
            self.interruptions[why] += 1

    def waited(self, seconds: float) -> None:
        with self._more:
            self.longest_wait = max(self.longest_wait, seconds)

    def join(self, user_id: str, email: str) -> None:
        with self._more:
            self.joined[user_id] = email

    def leave(self, user_id: str) -> None:
        with self._more:
            self.left.add(user_id)

    def review(self, appointment: str, review: str) -> None:
        with self._more:
            self.reviews[appointment] = review


class PersistentClient(Client):
    """The stress test's client through faults. Every booking and move carries a key, so that asking again is safe."""

    KEYED = 1.0

    def __init__(self, clinic: Clinic, ledger: ChaosLedger, seed: int, stopped: Event, pause: float) -> None:
        """``pause``: seconds between one thing and the next."""
        super().__init__(clinic, seed)
        self._pause = pause
        self._notes = ledger
        self._stopped = stopped
        self._seen: list[tuple[str, str]] = []
        self._acts += [(self._come_and_go, 4), (self._review, 12)]

    def work_until_stopped(self) -> None:
        while not self._stopped.wait(self._pause):
            self.work(1)

    def _come_and_go(self) -> None:
        """Sign up, book, and in the end delete the account."""
        person = self._sign_up()
        if person is None:
            return
        doctor = self._dice.choice(self._clinic.doctors)
        start = self._some_start(doctor)
        if start:
            body = {"doctorId": doctor.id, "start": start}
            booked = self._send("book", person, "POST", "/appointments", body, headers=self._key())
            if booked:
                self._notes.acknowledge("book", booked)
        if self._send("leave for good", person, "DELETE", "/users/me", {"reason": "OTHER"}) is not None:
            self._notes.leave(person.id)

    def _sign_up(self) -> Person | None:
        person = Person(self._clinic.gateway, f"chaos.{secrets.token_hex(8)}@clinic.example", secrets.token_urlsafe(12))
        known = {"email": person.email, "password": person.password}
        tokens = self._send("sign up", None, "POST", "/auth/signup", {**known, "name": "Cleo Chaos"})
        if tokens is None:
            # the first try succeeded, and its answer was lost
            tokens = self._send("log in", None, "POST", "/auth/login", known)
        if tokens is None:
            return None
        person.tokens = tokens
        self._notes.join(person.id, person.email)
        return person

    def _review(self) -> None:
        """Complete a visit, or review one that was completed."""
        if self._seen and self._dice.random() < 0.6:
            appointment, patient = self._seen.pop(0)
            body = {"rating": self._dice.randint(1, 5)}
            path = f"/appointments/{appointment}/review"
            if written := self._send("review", self._clinic.person(patient), "POST", path, body):
                self._notes.review(appointment, written["id"])
        elif found := self._clinic.some(self._dice):
            appointment, doctor, patient = found
            path = f"/appointments/{appointment}/complete"
            refusals = {(409, "INVALID_TRANSITION"), (409, "CONFLICT")}
            done = self._send("complete", self._clinic.person(doctor), "POST", path, refusals=refusals)
            if done:
                self._notes.acknowledge("complete", done)
                self._seen.append((appointment, patient))

    def _key(self) -> dict[str, str]:
        return {"Idempotency-Key": self._clinic.key()}

    def _request(
        self, who: Person | None, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str] | None
    ) -> requests.Response:
        began = time.monotonic()
        while True:
            pause = 0.3
            try:
                answer = super()._request(who, method, path, body, headers)
            except requests.RequestException:
                self._notes.interrupted(_LOST)
            else:
                running = answer.status_code == 409 and answer.json().get("code") == "IDEMPOTENCY_IN_PROGRESS"
                if answer.status_code not in _AWAY and not running:
                    self._notes.waited(time.monotonic() - began)
                    return answer
                self._notes.interrupted("running still" if running else str(answer.status_code))
                if answer.status_code == 503 and not answer.headers.get("Retry-After"):
                    self._notes.surprise(f"{method} {path}: 503 without Retry-After")
                pause = min(float(answer.headers.get("Retry-After") or 0.3), 2.0)
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise TimeoutError(f"{method} {path} had no answer for {PATIENCE_SECONDS:.0f} s")
            holds_within(pause * random.uniform(0.5, 1.0), lambda: False)
