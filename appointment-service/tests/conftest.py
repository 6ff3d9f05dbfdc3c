from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appointment_service import events
from appointment_service.app import create_app
from appointment_service.bootstrap import Built, build
from appointment_service.config import Config
from chassis.clock import new_id, now
from chassis.mongo import Document
from chassis.schemas import EventData
from devkit.testing import bearer, environment, example


class Clock:
    """The real clock, ahead of which it is 09:10 UTC as the tests begin; ``shift`` is a test's, forward or back.

    So no day, hour or slot ends while a test runs, at whatever time it is run.
    """

    def __init__(self) -> None:
        real = now()
        morning = datetime.combine(real.date(), time(9, 10), UTC)
        self._ahead = (morning if morning > real else morning + timedelta(days=1)) - real
        self.shift = timedelta()

    def __call__(self) -> datetime:
        return now() + self._ahead + self.shift

    def real(self) -> None:
        """As for every other process, for a test that has some."""
        self.shift = -self._ahead


@dataclass(frozen=True)
class Clinic:
    """What the tests say again and again, over HTTP and through the use cases that events call."""

    built: Built
    client: FlaskClient
    clock: Clock

    def doctor(self, doctor_id: str | None = None, *, version: int = 1, **calendar: Any) -> str:
        """A doctor whom anyone may book for any half-hour (UTC) of the next 60 days, except as ``calendar`` says."""
        week = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
        terms = {
            "timezone": "UTC",
            "slotMinutes": 30,
            "bufferMinutes": 0,
            "minNoticeMinutes": 0,
            "horizonDays": 60,
            "cancellationNoticeMinutes": 120,
            "requiresConfirmation": False,
            "unattendedOutcome": "COMPLETED",
            "weekly": [{"weekday": day, "from": "00:00", "to": "24:00"} for day in week],
            "overrides": [],
        }
        doctor_id = doctor_id or new_id()
        self.tell_doctor(doctor_id, version, calendar={**terms, **calendar})
        return doctor_id

    def tell_doctor(self, doctor_id: str, version: int, **facts: Any) -> None:
        """Handle a doctor-updated event as the consumer does."""
        data = example("doctor-updated", doctorId=doctor_id, version=version, **facts)["data"]
        event = events.DoctorUpdated.model_validate(data)
        self.built.database.transact(lambda session: self.built.people.doctor_updated(event, session))

    def tell(self, kind: str, user_id: str, version: int, role: str = "patient") -> None:
        """Handle an event of user-service as the consumer does."""
        people = self.built.people
        shapes: dict[str, tuple[type[EventData], Callable[..., None]]] = {
            "user-deactivated": (events.UserStatus, people.user_deactivated),
            "user-recovered": (events.UserStatus, people.account_opened),
            "user-suspended": (events.UserStatus, people.user_suspended),
            "user-reinstated": (events.UserStatus, people.account_opened),
            "user-deleted": (events.UserDeleted, people.user_deleted),
        }
        shape, effect = shapes[kind]
        event = shape.model_validate(example(kind, userId=user_id, version=version, role=role)["data"])
        self.built.database.transact(lambda session: effect(event, session))

    def tell_verified(self, user_id: str) -> None:
        """Handle an email-verified event as the consumer does."""
        event = events.EmailVerified.model_validate(example("email-verified", userId=user_id)["data"])
        self.built.database.transact(lambda session: self.built.people.email_verified(event, session))

    def book(self, patient_id: str, doctor_id: str, start: datetime, **more: Any) -> TestResponse:
        body = {"doctorId": doctor_id, "start": start.isoformat(), **more}
        return self.client.post("/api/v1/appointments", json=body, headers=bearer(patient_id))

    def booked(self, patient_id: str, doctor_id: str, start: datetime, **more: Any) -> dict[str, Any]:
        answer = self.book(patient_id, doctor_id, start, **more)
        assert answer.status_code == 201, answer.text
        data: dict[str, Any] = answer.json["data"]
        return data

    def act(self, action: str, appointment: dict[str, Any], who: dict[str, str], **more: Any) -> TestResponse:
        return self.client.post(f"/api/v1/appointments/{appointment['id']}/{action}", headers=who, **more)

    def starts(self, doctor_id: str, start: datetime) -> list[str]:
        """The starts that are offered on the date of ``start``, as text."""
        day = start.date().isoformat()
        answer = self.client.get(f"/api/v1/doctors/{doctor_id}/slots?from={day}&to={day}")
        assert answer.status_code == 200, answer.json
        return [item["start"] for item in answer.json["data"]["items"]]

    def stored(self, appointment: dict[str, Any]) -> Document:
        found = self.built.database["appointments"].find_one({"_id": appointment["id"]})
        assert found
        return found


@pytest.fixture(scope="session")
def env(mongodb_uri: str, amqp_url: str) -> dict[str, str]:
    return environment(mongodb_uri, amqp_url)


@pytest.fixture(scope="session")
def session_clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def built(env: dict[str, str], session_clock: Clock) -> Iterator[Built]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        made = build(Config.read(), session_clock)
    yield made
    made.database.close()


@pytest.fixture
def clock(session_clock: Clock) -> Iterator[Clock]:
    yield session_clock
    session_clock.shift = timedelta()


@pytest.fixture
def client(built: Built) -> FlaskClient:
    app = create_app(built)
    app.testing = True
    return app.test_client()


@pytest.fixture
def clinic(built: Built, client: FlaskClient, clock: Clock) -> Clinic:
    return Clinic(built, client, clock)


@pytest.fixture
def alone(fresh_mongodb_uri: str, amqp_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clinic]:
    """A clinic whose database is this test's own."""
    for name, value in environment(fresh_mongodb_uri, amqp_url).items():
        monkeypatch.setenv(name, value)
    made = build(Config.read(), clock)
    app = create_app(made)
    app.testing = True
    yield Clinic(made, app.test_client(), clock)
    made.database.close()


@pytest.fixture
def noon() -> datetime:
    """12:00 UTC of the day after tomorrow."""
    return datetime.combine(now().date() + timedelta(days=2), time(12), UTC)
