"""What is broadcast to the gateway, and what the gateway can take in."""

from datetime import datetime

import pytest

from chassis.events import broadcasts
from chassis.identity import Identity
from devkit.contracts import statements
from devkit.locked import unlocked
from devkit.testing import CONTRACTS, example
from gateway.events import SHAPES, act_on
from gateway.revocations import Revocations

HEARD = [(source, kind) for source, kinds in broadcasts(CONTRACTS)["gateway"].items() for kind in kinds]


def test_all_that_is_broadcast_is_taken_in_and_nothing_else_is_expected() -> None:
    assert sorted(kind for _, kind in HEARD) == sorted(SHAPES)


@pytest.mark.parametrize(("source", "kind"), HEARD)
def test_the_contracts_example_revokes_what_it_says(source: str, kind: str) -> None:
    event = example(kind)
    assert event["source"] == source
    when = datetime.fromisoformat(event["time"])
    known = Revocations(clock=when.timestamp)
    (session_id, *_) = event["data"].get("sessionIds", ["any"])
    about = Identity(event["data"]["userId"], session_id, "patient", "", "", True, when, when.timestamp(), 0.0)
    assert not known.is_revoked(about)
    act_on(kind, event, known)
    assert known.is_revoked(about)


def test_what_it_states_to_read_and_to_fetch_is_what_its_code_says() -> None:
    statements.check("gateway")


def test_its_lock_has_all_that_it_needs() -> None:
    assert unlocked("gateway") == []
