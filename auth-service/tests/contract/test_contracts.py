"""What auth-service publishes, accepts and serves is what contracts/ says."""

import re
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel

from auth_service import calls, events
from auth_service.app import create_app
from auth_service.bootstrap import Built
from devkit.contracts import statements
from devkit.locked import unlocked
from devkit.testing import assert_valid, check_routes, example


def test_user_registered_is_as_its_schema_says() -> None:
    assert_valid(
        events.user_registered(
            {
                "_id": "0123456789abcdef",
                "email": "ann@clinic.example",
                "name": "Ann Lee",
                "role": "patient",
                "createdAt": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
            }
        )
    )


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("user-updated", events.UserUpdated),
        ("user-deactivated", events.UserDeactivated),
        ("user-recovered", events.UserRecovered),
        ("user-suspended", events.UserSuspended),
        ("user-reinstated", events.UserReinstated),
        ("user-deleted", events.UserDeleted),
    ],
)
def test_every_accepted_event_can_be_read(kind: str, shape: type[BaseModel]) -> None:
    event = example(kind)
    assert shape.model_validate(event["data"]).model_dump()["user_id"] == event["subject"]


def test_the_routes_are_those_of_the_contract(built: Built) -> None:
    check_routes(create_app(built), "auth-service")


def test_what_it_states_to_read_and_to_answer_is_what_its_code_says() -> None:
    statements.check("auth-service")


def test_what_the_gateway_may_ask_is_there_and_nothing_else(built: Built) -> None:
    rules = (str(rule) for rule in create_app(built).url_map.iter_rules())
    internal = {re.sub("<.*>", "{id}", rule) for rule in rules if rule.startswith("/internal/")}
    assert internal == calls.INTERNAL.keys()


def test_its_lock_has_all_that_it_needs() -> None:
    assert unlocked("auth-service") == []
