from collections.abc import Iterator

import pytest
import requests

from devkit import trial
from devkit.collector import Collector
from devkit.suite import Instance
from tests.authorization.world import World
from tests.client import FromAddress, Gateway

RECOVERY_SECONDS = 12
"""Long enough to change one's mind in a test, short enough to see the purge."""

OFFER_SECONDS = 6
"""Long enough to accept an offer in a test, short enough to see it lapse."""


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Where the suite sends its traces."""
    with Collector() as made:
        yield made


@pytest.fixture(scope="session")
def suite(request: pytest.FixtureRequest, collector: Collector) -> Iterator[Instance]:
    """A whole suite of its own: every process, MongoDB and RabbitMQ, beside whatever else runs here."""
    settings = {
        "ACCOUNT_RECOVERY_DAYS": f"{RECOVERY_SECONDS / 86400:.9f}",
        "PURGE_EVERY_SECONDS": "2",
        # an erasure whose receipts are late is chased soon, too
        "ERASURE_REANNOUNCE_SECONDS": "3",
        "ERASURE_CHASE_EVERY_SECONDS": "2",
        # a held slot passes on while a test looks
        "OFFER_SECONDS": str(OFFER_SECONDS),
        "EXPIRE_OFFERS_EVERY_SECONDS": "2",
        "SEND_REMINDERS_EVERY_SECONDS": "2",
        "DELIVER_MAIL_EVERY_SECONDS": "2",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "1000",
    }
    with trial.running(settings) as instance:
        yield instance
        instance.keep = request.session.testsfailed > 0


@pytest.fixture
def gateway(suite: Instance) -> Iterator[Gateway]:
    """With connections that are used again, as nothing here is restarted under a test's feet."""
    with requests.Session() as session:
        yield Gateway(suite.gateway_url, session.request)


@pytest.fixture(scope="module")
def world(suite: Instance) -> World:
    """What the table of who may do what is about, one for each file of tests."""
    # so many of its tries fail that sign-ups from the others' address would be refused
    session = requests.Session()
    session.mount("http://", FromAddress("127.0.0.2"))
    gateway = Gateway(suite.gateway_url, session.request)
    return World(gateway, gateway.log_in(suite.settings["ADMIN_EMAIL"], suite.settings["ADMIN_PASSWORD"]))
