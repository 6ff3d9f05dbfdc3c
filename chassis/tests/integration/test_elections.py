"""Primaries come and go: nothing is concluded from what is rolled back, or by one that has yet to catch up."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from flask import Flask
from pymongo import timeout
from pymongo.client_session import ClientSession
from pymongo.errors import AutoReconnect, DuplicateKeyError, PyMongoError

from chassis.availability import answering_for
from chassis.errors import AppError, Conflict, NotFound
from chassis.inbox import Inbox
from chassis.mongo import MARKS, Database, is_away
from chassis.web import failure
from devkit import mongod
from devkit.servers import TestServers
from devkit.waiting import eventually


@pytest.fixture
def servers() -> Iterator[TestServers]:
    servers = TestServers()
    try:
        servers.begin_mongod(members=3)
        servers.finish_mongod()
        yield servers
    finally:
        servers.stop()


def _refused_as_away(ask: Callable[[], object]) -> None:
    with pytest.raises(PyMongoError) as refused, timeout(0.3):
        ask()
    assert is_away(refused.value)


def test_what_only_a_lost_primary_knew_is_not_taken_for_done(servers: TestServers) -> None:
    with closing(Database(servers.mongodb_uri, "things")) as database:
        _try(servers, database)


def _try(servers: TestServers, database: Database) -> None:
    inbox = Inbox(database)
    database["done"].insert_one({"_id": "before"})
    assert inbox.once("settled event", lambda _session: None)

    def effect(session: ClientSession) -> None:
        database["done"].insert_one({"_id": "effect"}, session=session)

    def conflict(_session: ClientSession) -> None:
        raise Conflict

    primary = next(port for port in servers.mongods if mongod.is_primary(port))
    others = [port for port in servers.mongods if port != primary]
    # not frozen: what is in a frozen member's socket would reach it in the end
    for port in others:
        servers.mongods[port].kill()
    # it takes effect on the primary, and cannot be acknowledged
    _refused_as_away(lambda: inbox.once("event", effect))
    # given again, the primary's own data says that it was seen, its time that it is taken
    _refused_as_away(lambda: inbox.once("event", effect))
    _refused_as_away(lambda: database.transact(effect))
    _refused_as_away(lambda: database.transact(conflict))
    servers.mongods[primary].kill()
    for port in others:
        servers.begin_mongod_again(port)
    eventually(lambda: any(mongod.is_primary(port) for port in others), timeout=30)

    assert inbox.once("event", effect)
    assert not inbox.once("event", effect)
    assert not inbox.once("settled event", effect)
    with pytest.raises(DuplicateKeyError):
        database.transact(effect)
    with pytest.raises(Conflict):
        database.transact(conflict)


def test_a_refusal_in_the_midst_of_an_election_is_no_refusal(servers: TestServers, sent: Any) -> None:
    with closing(Database(servers.mongodb_uri, "things")) as database:
        app = Flask("thing-service")
        app.register_error_handler(AppError, failure)
        answering_for(database)(app)
        elect = False

        @app.get("/things")
        def things() -> None:
            if elect:
                _elect_another(database)
            raise NotFound

        def asked() -> tuple[int, bool]:
            """The answer's status, and whether the primary was to catch up before."""
            sent.commands.clear()
            status = app.test_client().get("/things").status_code
            return status, sent.commands.get("update", {}).get("update") == MARKS

        assert asked() == (404, True)
        assert asked() == (404, False)
        elect = True
        assert asked() == (503, False)
        elect = False
        assert asked() == (404, True)

        with database.steady():
            database["things"].find_one()
        with pytest.raises(AutoReconnect), database.steady():
            _elect_another(database)


def _elect_another(database: Database) -> None:
    before = database.election
    database.client.admin.command("replSetStepDown", 30)
    eventually(lambda: database.election != before and _answers(database), timeout=30)


def _answers(database: Database) -> bool:
    with suppress(PyMongoError):
        database.ping()
        return True
    return False


def test_an_outage_that_lasts_is_told_at_once_and_its_end_is_seen(
    servers: TestServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.mongo.PATIENCE_SECONDS", 0.5)
    with closing(Database(servers.mongodb_uri, "things")) as database:
        database["things"].insert_one({"_id": 1})
        with database.steady():
            pass
        ports = list(servers.mongods)
        for port in ports:
            servers.mongods[port].kill()

        def told_at_once() -> bool:
            began = time.monotonic()
            with suppress(PyMongoError), timeout(1):
                database.catch_up()
            return time.monotonic() - began < 0.2

        eventually(told_at_once, timeout=30)
        for port in ports:
            servers.begin_mongod_again(port)

        def back() -> bool:
            with suppress(PyMongoError), timeout(1), database.steady():
                return True
            return False

        eventually(back, timeout=60)
