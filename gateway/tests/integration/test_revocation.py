"""Who was signed out, suspended or deleted is refused, whatever is away just now."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from broker import Relays
from stand_ins import Gateway, Service, bearer, serving, started

from chassis.clock import instant_text, new_id, now
from devkit.link import Link
from devkit.ports import free_port
from devkit.testing import example
from devkit.waiting import eventually

THING = "/api/v1/things/1"
Starting = Callable[..., AbstractContextManager[Gateway]]
ROUTES = {"doctor-service": [("GET", "/things/{id}", "self"), ("GET", "/open/{id}", "public")]}


@pytest.fixture(scope="module")
def auth() -> Iterator[Service]:
    with serving() as service:
        yield service


@pytest.fixture(scope="module")
def user() -> Iterator[Service]:
    with serving() as service:
        yield service


@pytest.fixture(scope="module")
def relays(amqp_url: str) -> Iterator[Relays]:
    with Relays(amqp_url) as relays:
        yield relays


@pytest.fixture(scope="module")
def starting(auth: Service, user: Service, link: Link) -> Starting:
    url = "http://127.0.0.1:{}".format
    return partial(
        started,
        routes=ROUTES,
        AMQP_URL=link.url,
        AUTH_SERVICE_URL=url(auth.port),
        USER_SERVICE_URL=url(user.port),
        DOCTOR_SERVICE_URL=url(user.port),
        APPOINTMENT_SERVICE_URL=url(free_port()),
        REVIEW_SERVICE_URL=url(free_port()),
        SCHEDULER_SERVICE_URL=url(free_port()),
    )


@pytest.fixture(scope="module")
def running(starting: Starting, relays: Relays, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "metrics").mkdir()
    with starting(folder, WEB_CONCURRENCY="2", PROMETHEUS_MULTIPROC_DIR=str(folder / "metrics")) as gateway:
        yield gateway


@pytest.fixture
def gateway(running: Gateway, auth: Service, user: Service) -> Gateway:
    """Two workers, each with its feed fresh."""
    eventually(lambda: not asks(running, auth, user))
    return running


def asks(gateway: Gateway, auth: Service, user: Service, *, each: bool = False) -> set[str]:
    """Whom any worker, or each of them, asks about somebody they never saw before."""
    who, session = new_id(), new_id()
    assert gateway.ask_each_worker(THING, bearer(who, sid=session)) == {""}
    asked = {"auth-service": auth.heard_at(f"/internal/sessions/{session}")}
    asked["user-service"] = user.heard_at(f"/internal/accounts/{who}")
    workers = len(gateway.workers()) if each else 1
    return {service for service, heard in asked.items() if len(heard) >= workers}


def at(instant: datetime) -> float:
    return instant.timestamp()


def test_a_revoked_session_is_refused_by_every_worker_within_a_second(gateway: Gateway, relays: Relays) -> None:
    here, elsewhere = bearer("ann", sid="ann-phone"), bearer("ann", sid="ann-laptop")
    assert gateway.ask_each_worker(THING, here) == {""}
    relays.revoke("ann-phone", "ann-tablet")
    eventually(lambda: gateway.ask_each_worker(THING, here) == {"TOKEN_REVOKED"}, timeout=1)
    refused = gateway.ask("GET", THING, here)
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert gateway.ask_each_worker(THING, elsewhere) == {""}
    assert gateway.ask("GET", "/api/v1/open/1", here).status == 200


@pytest.mark.parametrize("kind", ["user-suspended", "user-deactivated", "user-deleted"])
def test_a_closed_account_ends_its_sessions_and_not_later_ones(gateway: Gateway, relays: Relays, kind: str) -> None:
    closed_at, who = now(), new_id()
    before = bearer(who, auth_time=at(closed_at))
    after = bearer(who, auth_time=at(closed_at + timedelta(milliseconds=1)))
    relays.say({**example(kind, userId=who), "time": instant_text(closed_at)})
    eventually(lambda: gateway.ask_each_worker(THING, before) == {"TOKEN_REVOKED"}, timeout=1)
    assert gateway.ask_each_worker(THING, after) == {""}


def test_a_refused_token_stays_refused_until_it_has_expired(gateway: Gateway, relays: Relays) -> None:
    token = bearer(sid="short", lifetime=timedelta(seconds=2))
    relays.revoke("short", until=now() + timedelta(seconds=2))
    eventually(lambda: gateway.ask_each_worker(THING, token) == {"TOKEN_REVOKED"}, timeout=1)
    answers = set()

    def has_expired() -> bool:
        code = gateway.ask("GET", THING, token).json["code"]
        answers.add(code)
        return bool(code == "TOKEN_EXPIRED")

    eventually(has_expired)
    assert answers == {"TOKEN_REVOKED", "TOKEN_EXPIRED"}


def test_poison_on_the_feed_does_no_harm(gateway: Gateway, relays: Relays) -> None:
    good = example("session-revoked")
    for data in ({}, {**good["data"], "sessionIds": [["private-1"]]}, {**good["data"], "until": "private-2"}):
        relays.say({**good, "data": data})
    for poison in ("private-3", None, 10**30):
        relays.say(poison, source="user-service", kind="user-suspended")
    relays.revoke("after-poison")
    token = bearer(sid="after-poison")
    eventually(lambda: gateway.ask_each_worker(THING, token) == {"TOKEN_REVOKED"}, timeout=1)
    skipped = [line for line in gateway.log_lines() if line["event"] == "bad message skipped"]
    assert len(skipped) == 2 * 6
    assert "private-" not in gateway.log.read_text()


def test_a_gateway_that_starts_later_knows_by_its_snapshots(
    starting: Starting,
    relays: Relays,
    auth: Service,
    user: Service,
    tmp_path: Path,
) -> None:
    session_over, account_closed = bearer(sid="long-over"), bearer("closed", auth_time=time.time() - 60)
    reopened = bearer("closed", auth_time=time.time())
    auth.sessions["long-over"] = time.time() + 600
    user.users["closed"] = time.time() - 30
    with starting(tmp_path) as gateway:
        for token in (session_over, account_closed):
            eventually(lambda token=token: gateway.ask_each_worker(THING, token) == {"TOKEN_REVOKED"})
        assert gateway.ask_each_worker(THING, reopened) == {""}
        gateway.process.terminate()
        assert gateway.process.wait(5) == 0
    assert "Traceback" not in gateway.log.read_text()


def test_without_a_broker_it_asks_and_once_that_is_back_it_knows(
    gateway: Gateway, link: Link, relays: Relays, auth: Service, user: Service
) -> None:
    known, meanwhile = bearer(sid="known"), bearer(sid="meanwhile")
    relays.revoke("known")
    eventually(lambda: gateway.ask_each_worker(THING, known) == {"TOKEN_REVOKED"})
    link.down()
    try:
        eventually(lambda: asks(gateway, auth, user, each=True) == {"auth-service", "user-service"})
        assert gateway.ask_each_worker(THING, known) == {"TOKEN_REVOKED"}
        assert not auth.heard_at("/internal/sessions/known")
        auth.over.add("meanwhile")
        user.over.add("eve")
        assert gateway.ask_each_worker(THING, meanwhile) == {"TOKEN_REVOKED"}
        assert gateway.ask_each_worker(THING, bearer("eve")) == {"TOKEN_REVOKED"}

        for service in (auth, user):
            service.away = True
            refused = gateway.ask("GET", THING, bearer(new_id()))
            assert (refused.status, refused.json["code"]) == (503, "SERVICE_UNAVAILABLE")
            assert refused.headers["Retry-After"] == "2"
            assert gateway.ask_each_worker(THING, known) == {"TOKEN_REVOKED"}
            assert gateway.ask("GET", "/api/v1/open/1").status == 200
            service.away = False

        # only its snapshot tells of this one: asked, auth-service would say that the session is live
        auth.sessions["in-the-snapshot"] = time.time() + 600
    finally:
        auth.away = user.away = False
        link.up()
    eventually(lambda: not asks(gateway, auth, user))
    assert gateway.ask_each_worker(THING, bearer(sid="in-the-snapshot")) == {"TOKEN_REVOKED"}


def test_without_a_snapshot_no_pulse_is_believed(gateway: Gateway, link: Link, auth: Service, user: Service) -> None:
    auth.away = True
    link.down()
    link.up()
    try:
        eventually(lambda: gateway.log.read_text().count("no snapshot") >= 2 * 2)
        assert gateway.ask_each_worker(THING, bearer()) == {"SERVICE_UNAVAILABLE"}
    finally:
        auth.away = False
    eventually(lambda: not asks(gateway, auth, user))


def test_when_one_relay_falls_silent_its_service_is_asked(
    gateway: Gateway, relays: Relays, auth: Service, user: Service
) -> None:
    relays.pulsing.remove("auth-service")
    try:
        eventually(lambda: asks(gateway, auth, user, each=True) == {"auth-service"})
        auth.over.add("unheard-of")
        assert gateway.ask_each_worker(THING, bearer(sid="unheard-of")) == {"TOKEN_REVOKED"}
    finally:
        relays.pulsing.add("auth-service")
    eventually(lambda: not asks(gateway, auth, user))


def test_metrics_tell_of_pulses_refusals_and_questions(gateway: Gateway, relays: Relays) -> None:
    token = bearer(sid="counted")
    relays.revoke("counted")
    eventually(lambda: gateway.ask("GET", THING, token).status == 401)
    lines = gateway.ask("GET", "/metrics").raw.decode().splitlines()
    values = {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}
    for source in ("auth-service", "user-service"):
        heard_at = values[f'gateway_revocation_pulse_timestamp_seconds{{source="{source}"}}']
        assert 0 <= time.time() - heard_at < 5
        assert values[f'gateway_revocation_questions_total{{answer="yes",service="{source}"}}'] >= 1
    assert values['gateway_revoked_tokens_refused_total{known_by="memory"}'] >= 1
