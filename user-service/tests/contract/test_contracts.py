"""What user-service publishes, accepts and serves is what contracts/ says."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from chassis.events import subscriptions
from devkit.contracts import statements
from devkit.locked import unlocked
from devkit.testing import CONTRACTS, assert_valid, check_routes, example
from user_service import calls, events
from user_service.app import create_app
from user_service.bootstrap import Built

USER: dict[str, Any] = {
    "_id": "0123456789abcdef",
    "email": "ann@clinic.example",
    "name": "Ann Lee",
    "role": "patient",
    "locale": "fr-CH",
    "timezone": "Europe/Zurich",
    "scheduledDeletionAt": datetime(2026, 3, 31, 9, 30, tzinfo=UTC),
    "version": 3,
}


@pytest.mark.parametrize(
    "make",
    [
        events.user_updated,
        events.user_deactivated,
        events.user_recovered,
        events.user_suspended,
        events.user_reinstated,
        events.user_deleted,
    ],
)
def test_every_published_event_is_as_its_schema_says(make: Any) -> None:
    assert_valid(make(USER))
    assert_valid(make({**USER, "locale": None, "timezone": None}))


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("user-registered", events.UserRegistered),
        ("email-verified", events.EmailVerified),
        ("appointment-requested", events.AppointmentChanged),
        ("appointment-booked", events.AppointmentChanged),
        ("appointment-cancelled", events.AppointmentChanged),
        ("user-data-erased", events.UserDataErased),
        ("audit-recorded", events.AuditRecorded),
    ],
)
def test_every_accepted_event_can_be_read(kind: str, shape: type[BaseModel]) -> None:
    event = example(kind)
    assert event["subject"] in shape.model_validate(event["data"]).model_dump().values()


def test_a_receipt_is_awaited_from_everyone_who_is_told() -> None:
    told = {name for name, row in subscriptions(CONTRACTS).items() if "user-deleted" in row.get("user-service", [])}
    assert set(events.HOLDERS) == told


def test_the_routes_are_those_of_the_contract(built: Built) -> None:
    check_routes(create_app(built), "user-service")


def test_what_it_states_to_read_and_to_answer_is_what_its_code_says() -> None:
    statements.check("user-service")


def test_what_the_gateway_may_ask_is_there_and_nothing_else(built: Built) -> None:
    rules = (str(rule) for rule in create_app(built).url_map.iter_rules())
    internal = {re.sub("<.*>", "{id}", rule) for rule in rules if rule.startswith("/internal/")}
    assert internal == calls.INTERNAL.keys()


def test_its_lock_has_all_that_it_needs() -> None:
    assert unlocked("user-service") == []
