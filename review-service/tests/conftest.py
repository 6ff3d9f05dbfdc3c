from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from visits import Visit

from chassis.clock import new_id
from devkit.testing import environment
from review_service import events
from review_service.app import create_app
from review_service.bootstrap import Built, build
from review_service.config import Config


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


@pytest.fixture
def visit(built: Built) -> Callable[..., Visit]:
    """Makes a completed appointment known, of a new doctor and patient unless they are given."""

    def make(doctor_id: str | None = None, patient_id: str | None = None) -> Visit:
        made = Visit(new_id(), doctor_id or new_id(), patient_id or new_id())
        event = events.AppointmentEnded(
            appointment_id=made.id, doctor_id=made.doctor_id, patient_id=made.patient_id, version=3
        )
        built.database.transact(lambda session: built.service.appointment_completed(event, session))
        return made

    return make
