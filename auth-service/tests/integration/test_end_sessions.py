"""After a restore nobody is signed in, and no access token of before is let in."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from people import People

from auth_service.app import create_app
from auth_service.bootstrap import Built, build
from auth_service.config import Config
from devkit.testing import assert_valid, environment


@pytest.fixture
def env(fresh_mongodb_uri: str, amqp_url: str) -> dict[str, str]:
    return environment(fresh_mongodb_uri, amqp_url)


@pytest.fixture
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


def run(env: dict[str, str], *options: str) -> None:
    command = [sys.executable, "-m", "auth_service.end_sessions", *options]
    subprocess.run(command, env={**os.environ, **env}, check=True)


def test_every_session_of_everybody_ends_and_is_told_of(people: People, built: Built) -> None:
    ann, ben = people.sign_up(), people.sign_up()
    phone = people.log_in(ann)
    assert built.service.sessions.end_all() == 2
    for tokens in (ann, ben, phone):
        assert people.refresh(tokens).status_code == 401
        assert not people.lives(tokens["sessionId"])
    (revocation,) = people.revocations(ann)
    assert revocation["reason"] == "RESTORED"
    for event in revocation["outbox"]:
        assert_valid(event)
    assert people.try_log_in(ann["user"]["email"]).status_code == 200


def test_what_ended_in_a_database_that_is_replaced_is_refused_after_it(
    people: People, env: dict[str, str], built: Built, tmp_path: Path
) -> None:
    """Of before the backup, logged out after it, and of after it: the backup says of none that it ended."""
    carried = tmp_path / "ended"
    ended, live = people.sign_up(), people.sign_up()
    people.log_out(ended)
    run(env, "--save", str(carried))
    assert carried.stat().st_mode & 0o777 == 0o600
    for collection in ("sessions", "revocations", "credentials"):
        built.database[collection].delete_many({})
    run(env, "--add", str(carried))
    told = people.client.get("/internal/revocations").json["sessions"]
    assert set(told) == {ended["sessionId"], live["sessionId"]}
