"""Fixtures for tests against real servers, which are started only if a test asks for them.

Load it with `-p devkit.pytest_plugin`; `devkit` is importable in every test environment that `make setup` makes.
"""

import atexit
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from devkit import suite, trial
from devkit.recipes import base_environment
from devkit.servers import TestServers, end_group
from devkit.waiting import eventually

__all__ = ["eventually"]


def with_database(uri: str, database: str) -> str:
    """The same server, another database."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(path=f"/{database}"))


def _drop(server: str, database: str) -> None:
    # Not imported above: a suite without a database may be without the driver.
    from pymongo import MongoClient

    with MongoClient[dict[str, object]](server) as client:
        client.drop_database(database)


@pytest.fixture(scope="session")
def mongodb_server() -> Iterator[str]:
    """The URI of a writable replica set, without a database: TEST_MONGODB_URI, or one started for this session."""
    if given := os.environ.get("TEST_MONGODB_URI"):
        yield given
        return
    servers = TestServers()
    atexit.register(servers.stop)
    try:
        servers.begin_mongod()
        servers.finish_mongod()
        yield servers.mongodb_uri
    finally:
        servers.stop()
        atexit.unregister(servers.stop)


@pytest.fixture(scope="session")
def mongodb_uri(mongodb_server: str) -> Iterator[str]:
    """A URI with a database that is new and this session's own."""
    name = f"test_{secrets.token_hex(6)}"
    yield with_database(mongodb_server, name)
    _drop(mongodb_server, name)


@pytest.fixture
def fresh_database_name(mongodb_server: str) -> Iterator[str]:
    """The name of a database for one test alone, on the server of `mongodb_uri`; dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    yield name
    _drop(mongodb_server, name)


@pytest.fixture
def fresh_mongodb_uri(mongodb_server: str, fresh_database_name: str) -> str:
    """A URI with a database for one test alone."""
    return with_database(mongodb_server, fresh_database_name)


@pytest.fixture(scope="session")
def amqp_url() -> Iterator[str]:
    """The URL of a broker with a virtual host of this session's own: TEST_AMQP_URL, or one started for this session."""
    if given := os.environ.get("TEST_AMQP_URL"):
        yield given
        return
    servers = TestServers()
    atexit.register(servers.stop)
    try:
        servers.begin_rabbitmq()
        servers.finish_rabbitmq()
        yield servers.broker.url("test")
    finally:
        servers.stop()
        atexit.unregister(servers.stop)


class StartedProcess:
    """A real process of a test: `python -m <package>.consumer`, say."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> None:
        self.log_file = log
        with log.open("ab") as out:
            self.child = subprocess.Popen(
                command,
                cwd=cwd,
                env={**base_environment(str(Path(sys.executable).parent)), **env},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def is_alive(self) -> bool:
        return self.child.poll() is None

    def stop(self) -> int:
        """End it as supervisord would, and return its exit code."""
        end_group(self.child)
        return self.child.wait()

    def kill(self) -> None:
        """End it as an accident would."""
        self.child.kill()
        self.child.wait()


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[Callable[..., StartedProcess]]:
    """Start `python -m module arguments…` with exactly the variables given; it is ended after the test.

    `start_process("auth_service.consumer", env={...}, arguments=(), cwd=None)`: its output is in `.log`, and pytest
    shows it if the test fails.
    """
    started: list[StartedProcess] = []

    def start(
        module: str, *, env: Mapping[str, str], arguments: Sequence[str] = (), cwd: Path | None = None
    ) -> StartedProcess:
        log = tmp_path / f"{module}-{len(started)}.log"
        process = StartedProcess([sys.executable, "-m", module, *arguments], env, cwd or Path.cwd(), log)
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()
        print(f"--- output of {process.log_file.stem}:\n{process.log}")


@pytest.fixture(scope="session")
def running_suite(request: pytest.FixtureRequest) -> Iterator[suite.Instance]:
    """A whole suite of its own, apart from the one of `make up`: removed afterwards, kept if a test failed."""
    with trial.running() as instance:
        yield instance
        instance.keep = request.session.testsfailed > 0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell `make test` the figures, so that it need not read them out of the text."""
    if target := os.environ.get("DEVKIT_RESULT"):
        count = {outcome: len(reports) for outcome, reports in terminalreporter.stats.items()}
        figures = {
            "passed": count.get("passed", 0) + count.get("xpassed", 0),
            "failed": count.get("failed", 0) + count.get("error", 0),
            "skipped": count.get("skipped", 0) + count.get("xfailed", 0),
        }
        Path(target).write_text(json.dumps(figures))
