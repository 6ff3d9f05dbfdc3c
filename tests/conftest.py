from collections.abc import Iterator

import pytest

from devkit import trial
from devkit.suite import Instance
from tests.chaos.instance import SETTINGS, ChaosInstance
from tests.client import Gateway, Person

RECOVERY_SECONDS = 12
"""Long enough to change one's mind in a test, short enough to see the purge."""

OFFER_SECONDS = 6
"""Long enough to accept an offer in a test, short enough to see it lapse."""


@pytest.fixture(scope="session")
def suite(request: pytest.FixtureRequest) -> Iterator[Instance]:
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
    }
    with trial.running(settings) as instance:
        yield instance
        instance.keep = request.session.testsfailed > 0


@pytest.fixture(scope="session")
def replicated(request: pytest.FixtureRequest) -> Iterator[ChaosInstance]:
    """Another one for the tests of faults, with three MongoDB members and a witness (``tests/chaos``)."""
    with trial.running({**SETTINGS, "WEB_CONCURRENCY": "1"}, ChaosInstance) as instance:
        assert isinstance(instance, ChaosInstance)
        yield instance
        instance.keep = request.session.testsfailed > 0


@pytest.fixture
def gateway(suite: Instance) -> Gateway:
    return Gateway(suite.gateway_url)


@pytest.fixture
def admin(suite: Instance, gateway: Gateway) -> Person:
    return gateway.log_in(suite.settings["ADMIN_EMAIL"], suite.settings["ADMIN_PASSWORD"])
