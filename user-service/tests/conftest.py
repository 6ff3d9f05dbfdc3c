from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask.testing import FlaskClient

from chassis.clock import new_id, now
from chassis.errors import AppError
from chassis.identity import Identity
from devkit.testing import environment
from user_service.app import create_app
from user_service.bootstrap import Built, build
from user_service.config import Config


@pytest.fixture(scope="session")
def env(mongodb_uri: str, amqp_url: str) -> dict[str, str]:
    return environment(mongodb_uri, amqp_url)


def built_from(env: dict[str, str]) -> Iterator[Built]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        made = build(Config.read())
    yield made
    made.database.close()


@pytest.fixture(scope="session")
def built(env: dict[str, str]) -> Iterator[Built]:
    yield from built_from(env)


@pytest.fixture
def fresh(fresh_mongodb_uri: str, amqp_url: str) -> Iterator[Built]:
    """user-service on a database for one test alone, where deleted accounts are due at once."""
    yield from built_from(environment(fresh_mongodb_uri, amqp_url, ACCOUNT_RECOVERY_DAYS="1e-9"))


@pytest.fixture
def client(built: Built) -> FlaskClient:
    app = create_app(built)
    app.testing = True
    return app.test_client()


@pytest.fixture
def user_id() -> str:
    return new_id()


@pytest.fixture
def who(user_id: str) -> Identity:
    """The same person as ``user_id``, signed in as a patient."""
    return Identity(
        user_id=user_id,
        session_id="session",
        role="patient",
        email=f"{user_id}@clinic.example",
        name="Pat Doe",
        email_verified=False,
        issued_at=now(),
        authenticated_at=0,
        expires_at=0,
    )


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Begins several steps at the same moment: what each returned, or the code of the refusal that it met."""

    def run(*steps: Callable[[], Any]) -> list[Any]:
        barrier = Barrier(len(steps))

        def enter(step: Callable[[], Any]) -> Any:
            barrier.wait()
            try:
                return step()
            except AppError as refused:
                return refused.code

        with ThreadPoolExecutor(len(steps)) as pool:
            return list(pool.map(enter, steps))

    return run
