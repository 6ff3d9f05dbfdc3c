from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from stand_ins import Building, Clock, Mailbox, mail_server

from chassis.clock import new_id
from devkit.link import Link
from devkit.pytest_plugin import StartedProcess
from devkit.testing import environment
from devkit.waiting import eventually
from scheduler_service.app import create_app
from scheduler_service.bootstrap import Built, build
from scheduler_service.config import Config

FOLDER = Path(__file__).resolve().parents[1]


@contextmanager
def building(env: dict[str, str], clock: Callable[[], datetime] | None = None) -> Iterator[Built]:
    """The service as one process builds it from its environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        made = build(Config.read(), clock)
    yield made
    made.database.close()


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture(scope="session")
def env(mongodb_uri: str, amqp_url: str, mailbox: Mailbox) -> dict[str, str]:
    return environment(mongodb_uri, amqp_url, SMTP_URL=mailbox.url)


@pytest.fixture(scope="session")
def built_from() -> Building:
    return building


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def built(env: dict[str, str], clock: Clock) -> Iterator[Built]:
    with building(env, clock) as made:
        yield made


@pytest.fixture(autouse=True)
def no_mail_left_over(request: pytest.FixtureRequest) -> None:
    """Each test sends its own mail only; the database is made anew for the session, not for the test."""
    if "built" in request.fixturenames:
        for name in ("mails", "reminders"):
            request.getfixturevalue("built").database[name].delete_many({})
        clock = request.getfixturevalue("clock")
        clock.shift, clock.stopped = timedelta(), None


@pytest.fixture
def client(built: Built) -> FlaskClient:
    app = create_app(built)
    app.testing = True
    return app.test_client()


@pytest.fixture
def start_celery(
    start_process: Callable[..., StartedProcess], env: dict[str, str], tmp_path: Path
) -> Callable[..., StartedProcess]:
    """``start_celery("worker")`` or ``"beat"``, as the suite starts it; returns once it beats."""

    def start(kind: str, **variables: str) -> StartedProcess:
        heartbeat = tmp_path / f"{kind}-{new_id()}"
        options = {"worker": ["--concurrency=1"], "beat": []}[kind]
        process = start_process(
            "celery",
            env={**env, **variables, "HEARTBEAT_FILE": str(heartbeat)},
            arguments=["-A", f"scheduler_service.{kind}", kind, "--loglevel=info", *options],
            cwd=FOLDER,
        )
        eventually(lambda: heartbeat.exists() or not process.is_alive(), timeout=30)
        assert process.is_alive(), process.log
        return process

    return start


@pytest.fixture
def link(amqp_url: str) -> Iterator[Link]:
    """A way to the broker that can be cut."""
    made = Link(amqp_url)
    yield made
    made.close()


@pytest.fixture
def linked(link: Link, env: dict[str, str]) -> dict[str, str]:
    """The environment of a process whose broker is at the other end of ``link``."""
    return {**env, "AMQP_URL": link.url}
