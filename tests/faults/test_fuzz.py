"""The document while a server is away: 503 where a part cannot answer, and nothing that it does not tell of."""

import time

import pytest

from tests.chaos.instance import ChaosInstance
from tests.client import Gateway, Person, eventually
from tests.fuzz.run import fuzzed

ALMOST_ALL = 85
"""Of the 90 operations: for some no example of each kind is found at the first try."""

MONGODB, RABBITMQ = ("mongod", "mongod-2", "mongod-3"), ("rabbitmq",)


@pytest.mark.parametrize("servers", [MONGODB, RABBITMQ], ids=["MongoDB", "RabbitMQ"])
def test_without_it_every_answer_is_one_that_the_document_tells_of(
    suite: ChaosInstance, gateway: Gateway, admin: Person, servers: tuple[str, ...]
) -> None:
    people = {"admin": admin, **{role: gateway.sign_up("Fuzzy Fellow", role=role) for role in ("patient", "doctor")}}
    tokens = {role: str(person.tokens["accessToken"]) for role, person in people.items()}
    suite.stop(*servers)
    try:
        # from when no request waits for it any more
        eventually("the outage to be told at once", lambda: _is_settled(gateway), seconds=30)
        held, told = fuzzed(
            suite.gateway_url,
            (admin.email, admin.password),
            examples=1,
            seed=1,
            phases="fuzzing",
            tokens=tokens,
            config="away.toml",
            workers=16,
        )
    finally:
        suite.start(*servers)
        eventually("every consumer to be back", lambda: not suite.unconsumed(), seconds=60)
        eventually("people to sign in", lambda: gateway.log_in(admin.email, admin.password), seconds=30)
    assert held, told
    assert int(told.partition("Tested:")[2].split()[0]) >= ALMOST_ALL, told


def _is_settled(gateway: Gateway) -> bool:
    began = time.monotonic()
    gateway.call("GET", "/doctors")
    return time.monotonic() - began < 1
