"""Doctors who can be booked, patients who book them, and what they send."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
import requests

from benchmarks.load import Request
from devkit.suite import Instance
from devkit.waiting import eventually
from tests.client import Gateway, Person
from tests.clinic import bookable_doctor
from tests.queues import busy_queues

SETTINGS = {
    "RATE_LIMITS": "off",
    "ACCESS_TOKEN_MINUTES": "60",
    # a mail asks three services before it is sent, and is no part of what is measured
    "DELIVER_MAIL_EVERY_SECONDS": "86400",
}
PAIRS = 32
"""As many patients as doctors: each patient books one doctor only, so that no two of their times overlap."""


class World:
    def __init__(self, suite: Instance) -> None:
        self.suite = suite
        self.gateway = Gateway(suite.gateway_url, requests.Session().request)
        self.admin = self.gateway.log_in(suite.settings["ADMIN_EMAIL"], suite.settings["ADMIN_PASSWORD"])
        self.mongo: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(suite.mongodb_uri)
        with ThreadPoolExecutor(4) as pool:
            self.doctors = list(pool.map(self._doctor, range(PAIRS)))
            self.patients = list(pool.map(lambda number: self.gateway.sign_up(f"Patient {number}"), range(PAIRS)))
        self._slots = [self._starts(doctor) for doctor in self.doctors]

    def _doctor(self, number: int) -> Person:
        return bookable_doctor(Gateway(self.suite.gateway_url), self.admin, f"Doctor {number}", horizonDays=90)

    def _starts(self, doctor: Person) -> list[str]:
        today = datetime.now(UTC).date()
        starts: list[str] = []
        for first in (2, 33, 64):
            days = f"from={today + timedelta(days=first)}&to={today + timedelta(days=min(first + 30, 88))}"
            answer = self.gateway.call("GET", f"/doctors/{doctor.id}/slots?{days}").expect(200)
            starts += [slot["start"] for slot in answer.data["items"]]
        return starts

    def bookings(self, count: int) -> list[Request]:
        """Requests for ``count`` slots that nobody has asked for yet."""
        made = []
        for number in range(count):
            pair = number % PAIRS
            body = {"doctorId": self.doctors[pair].id, "start": self._slots[pair].pop(0)}
            token = self.patients[pair].tokens["accessToken"]
            made.append(Request("POST", "/api/v1/appointments", token, json.dumps(body)))
        return made

    def race(self, count: int) -> list[Request]:
        """As many requests of all patients for one and the same slot, of which none will be asked for again."""
        start = self._slots[0][0]
        self._slots = [[other for other in starts if other != start] for starts in self._slots]
        body = json.dumps({"doctorId": self.doctors[0].id, "start": start})
        tokens = [person.tokens["accessToken"] for person in self.patients]
        return [Request("POST", "/api/v1/appointments", tokens[number % PAIRS], body) for number in range(count)]

    def settle(self) -> None:
        """Wait until all that happened is told and handled."""
        eventually(lambda: not busy_queues(self.suite), timeout=600)

    def port(self, process: str) -> int:
        """Where a service's web process listens."""
        return int(self.suite.ports[process])
