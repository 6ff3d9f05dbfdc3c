"""Schemathesis over the whole document, then over it while a server is away: `make fuzz` is the long run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.chaos.instance import ChaosInstance
from tests.client import Gateway, Person, eventually
from tests.fuzz.run import fuzzed


@contextmanager
def without(suite: ChaosInstance, gateway: Gateway, admin: Person, *servers: str) -> Iterator[None]:
    suite.stop(*servers)
    try:
        # from when no request waits for it any more
        eventually("the outage to be told at once", lambda: _is_settled(gateway), seconds=30)
        yield
    finally:
        suite.start(*servers)
        eventually("every consumer to be back", lambda: not suite.unconsumed(), seconds=60)
        eventually("people to sign in", lambda: gateway.log_in(admin.email, admin.password), seconds=30)


def _is_settled(gateway: Gateway) -> bool:
    began = time.monotonic()
    gateway.call("GET", "/doctors")
    return time.monotonic() - began < 1


def test_whatever_the_document_allows_or_forbids_is_answered_as_it_says(suite: ChaosInstance, admin: Person) -> None:
    who = admin.email, admin.password
    held, told = fuzzed(suite.gateway_url, who, examples=1, seed=1, phases="coverage", workers=4)
    assert held, told


def test_without_mongodb_every_answer_is_one_that_the_document_tells_of(
    suite: ChaosInstance, gateway: Gateway, admin: Person
) -> None:
    people = {"admin": admin, **{role: gateway.sign_up("Fuzzy Fellow", role=role) for role in ("patient", "doctor")}}
    tokens = {role: str(person.tokens["accessToken"]) for role, person in people.items()}
    who = admin.email, admin.password
    with without(suite, gateway, admin, "mongod", "mongod-2", "mongod-3"):
        held, told = fuzzed(
            suite.gateway_url,
            who,
            examples=1,
            seed=1,
            phases="fuzzing",
            tokens=tokens,
            config="away.toml",
            workers=16,
        )
    assert held, told


def test_without_rabbitmq_every_answer_is_one_that_the_document_tells_of(
    suite: ChaosInstance, gateway: Gateway, admin: Person
) -> None:
    who = admin.email, admin.password
    with without(suite, gateway, admin, "rabbitmq"):
        held, told = fuzzed(suite.gateway_url, who, examples=1, seed=1, phases="fuzzing", config="away.toml", workers=4)
    assert held, told
