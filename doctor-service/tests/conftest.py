from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.clock import new_id
from devkit.testing import assert_valid, bearer, environment
from doctor_service.app import create_app
from doctor_service.bootstrap import Built, build
from doctor_service.config import Config


@pytest.fixture(scope="session")
def env(mongodb_uri: str, amqp_url: str) -> dict[str, str]:
    return environment(mongodb_uri, amqp_url)


@pytest.fixture(scope="session")
def built(env: dict[str, str]) -> Iterator[Built]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        made = build(Config.read())
    yield made
    made.database.close()


@pytest.fixture
def client(built: Built) -> FlaskClient:
    app = create_app(built)
    app.testing = True
    return app.test_client()


@dataclass
class Person:
    """A user who calls the service."""

    client: FlaskClient
    id: str
    headers: dict[str, str]

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.client.open(
            f"/api/v1{path}",
            method=method,
            json=body,
            headers={**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}},
        )

    def get(self, path: str) -> Any:
        """The data of what must be there."""
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.json
        return answer.json["data"]


@pytest.fixture
def person(client: FlaskClient) -> Callable[..., Person]:
    def make(role: str, name: str = "Pat Doe", user_id: str | None = None) -> Person:
        user_id = user_id or new_id()
        return Person(client, user_id, bearer(user_id, role, name))

    return make


@pytest.fixture
def admin(person: Callable[..., Person]) -> Person:
    return person("admin", "Ada Admin")


@pytest.fixture
def patient(person: Callable[..., Person]) -> Person:
    return person("patient")


@pytest.fixture
def anyone(client: FlaskClient) -> Person:
    """Somebody who has not signed in."""
    return Person(client, "", {})


@pytest.fixture
def pending(person: Callable[..., Person]) -> Callable[..., Person]:
    """Make a doctor whose profile awaits moderation."""

    def make(name: str = "Amara Oyelaran", **profile: Any) -> Person:
        doctor = person("doctor", name)
        answer = doctor.call("PUT", "/doctors/me", {"specialty": "Dermatology", **profile})
        assert answer.status_code == 201, answer.json
        return doctor

    return make


@pytest.fixture
def listed(pending: Callable[..., Person], admin: Person) -> Callable[..., Person]:
    """Make a doctor whom everybody can find."""

    def make(name: str = "Amara Oyelaran", **profile: Any) -> Person:
        doctor = pending(name, **profile)
        assert admin.call("POST", f"/admin/doctors/{doctor.id}/approve").status_code == 200
        return doctor

    return make


@pytest.fixture
def outbox(built: Built) -> Callable[[str], list[dict[str, Any]]]:
    """The events of a doctor that wait to be published (no relay runs in these tests), each as its schema says."""

    def read(doctor_id: str) -> list[dict[str, Any]]:
        document = built.database["doctors"].find_one({"_id": doctor_id})
        assert document
        for event in document["outbox"]:
            assert_valid(event)
        return list(document["outbox"])

    return read
