from collections.abc import Iterator

import pytest

from tests.client import Gateway, Person
from tests.compose import stack as containers
from tests.compose.stack import Stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with containers.running() as started:
        yield started


@pytest.fixture
def gateway(stack: Stack) -> Gateway:
    return Gateway(stack.gateway_url)


@pytest.fixture
def admin(stack: Stack, gateway: Gateway) -> Person:
    return gateway.log_in(stack.settings["ADMIN_EMAIL"], stack.settings["ADMIN_PASSWORD"])
