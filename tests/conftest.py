"""What tests of the whole product share; each folder's ``suite`` is its own."""

import pytest

from devkit.suite import Instance
from tests.client import Gateway, Person


@pytest.fixture
def gateway(suite: Instance) -> Gateway:
    return Gateway(suite.gateway_url)


@pytest.fixture
def admin(suite: Instance, gateway: Gateway) -> Person:
    return gateway.log_in(suite.settings["ADMIN_EMAIL"], suite.settings["ADMIN_PASSWORD"])
