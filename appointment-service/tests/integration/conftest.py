"""What the tests of the waitlist say again and again."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from werkzeug.test import TestResponse

from appointment_service.service.waitlist import Freed, Waitlist
from appointment_service.store import CalendarStore, HoldStore, WaitlistStore
from chassis.clock import new_id
from devkit.testing import bearer

HALF_HOUR = timedelta(minutes=30)


@dataclass(frozen=True)
class Line:
    """The waitlist of a clinic's doctors, over HTTP."""

    clinic: Any

    def post(self, path: str, who: str, **more: Any) -> TestResponse:
        client = self.clinic.client.application.test_client()
        return client.post(f"/api/v1{path}", headers=bearer(who) | more.pop("headers", {}), **more)

    def join(self, doctor: str, patient: str, first: date, last: date | None = None) -> TestResponse:
        dates = {"from": first.isoformat(), "to": (last or first).isoformat()}
        return self.post(f"/doctors/{doctor}/waitlist", patient, json=dates)

    def joined(self, doctor: str, day: date, count: int = 1) -> list[dict[str, Any]]:
        """The places of so many new patients, in their order."""
        answers = [self.join(doctor, new_id(), day) for _ in range(count)]
        assert {answer.status_code for answer in answers} == {201}, answers[0].text
        return [answer.json["data"] for answer in answers]

    def held(self, doctor: str, start: datetime, length: timedelta = HALF_HOUR, patient: str | None = None) -> None:
        """Something gives this time back, which the patient had."""
        freed = [Freed(doctor, start, start + length, patient)]
        self.clinic.built.database.transact(lambda session: self.clinic.built.waitlist.hold(freed, session))

    def act(self, action: str, place: dict[str, Any], **more: Any) -> TestResponse:
        return self.post(f"/waitlist/{place['id']}/{action}", place["patientId"], **more)

    def leave(self, place: dict[str, Any], who: str | None = None) -> TestResponse:
        headers = bearer(who or place["patientId"])
        answer: TestResponse = self.clinic.client.delete(f"/api/v1/waitlist/{place['id']}", headers=headers)
        return answer

    def seen(self, place: dict[str, Any]) -> dict[str, Any]:
        """The place as its patient sees it now."""
        answer = self.clinic.client.get("/api/v1/waitlist", headers=bearer(place["patientId"]))
        return next(item for item in answer.json["data"]["items"] if item["id"] == place["id"])

    def offered(self, places: Sequence[dict[str, Any]]) -> list[int]:
        """Who of them is offered something."""
        return [number for number, place in enumerate(places) if self.seen(place)["status"] == "OFFERED"]

    def holds(self, doctor: str) -> list[dict[str, Any]]:
        found = self.clinic.built.database["appointments"].find({"doctorId": doctor, "status": "HELD"})
        return list(found.sort("start"))

    def pairs(self, doctor: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """What the places say that is held, and what the holds say: (place, hold) of each. They must be the same."""
        places = self.clinic.built.database["waitlist"].find({"doctorId": doctor, "status": "OFFERED"})
        said = [(place["_id"], place["offer"]["appointmentId"]) for place in places]
        return sorted(said), sorted((hold["offer"]["entryId"], hold["_id"]) for hold in self.holds(doctor))

    def later(self, by: timedelta) -> Waitlist:
        """The same waitlist to a process whose clock is ahead."""
        database = self.clinic.built.database
        return Waitlist(
            database,
            waitlist=WaitlistStore(database),
            holds=HoldStore(database),
            calendars=CalendarStore(database),
            clock=lambda: self.clinic.clock() + by,
            offer_seconds=1_800,
            require_verified_email=False,
        )

    def stored(self, place: dict[str, Any]) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.clinic.built.database["waitlist"].find_one({"_id": place["id"]})
        return found


@pytest.fixture
def line(clinic: Any) -> Line:
    return Line(clinic)


@pytest.fixture
def alone_line(alone: Any) -> Line:
    """A line of whose database nobody else expires anything."""
    return Line(alone)


def at_once(actions: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do all of it at the same moment; what each came to, in order."""
    barrier = Barrier(len(actions))

    def one(action: Callable[[], Any]) -> Any:
        barrier.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(one, actions))


@pytest.fixture
def together() -> Callable[[Sequence[Callable[[], Any]]], list[Any]]:
    return at_once
