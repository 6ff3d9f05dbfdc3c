"""What scheduler-service publishes, accepts and serves is what contracts/ says."""

import pytest
from pydantic import BaseModel

from chassis.tombstones import receipt
from devkit.contracts import statements
from devkit.locked import unlocked
from devkit.testing import assert_valid, check_routes, example
from scheduler_service import events
from scheduler_service.app import create_app
from scheduler_service.bootstrap import Built


def test_what_is_published_is_as_its_schema_says() -> None:
    assert_valid(receipt(events.SOURCE, "0123456789abcdef"))
    assert_valid(events.job_started("0123456789abcdef", "fedcba9876543210"))


@pytest.mark.parametrize(
    ("kind", "shape", "about"),
    [
        ("user-registered", events.UserRegistered, "user_id"),
        ("email-verification-requested", events.TokenRequested, "request_id"),
        ("password-reset-requested", events.TokenRequested, "request_id"),
        ("password-changed", events.PasswordChanged, "user_id"),
        ("user-deleted", events.UserDeleted, "user_id"),
        *(
            (f"appointment-{what}", events.AppointmentChanged, "appointment_id")
            for what in ("requested", "booked", "rescheduled", "checked-in", "cancelled", "completed", "no-show")
        ),
        ("waitlist-offered", events.WaitlistOffered, "entry_id"),
    ],
)
def test_every_accepted_event_can_be_read(kind: str, shape: type[BaseModel], about: str) -> None:
    event = example(kind)
    assert shape.model_validate(event["data"]).model_dump()[about] == event["subject"]


def test_the_routes_are_those_of_the_contract(built: Built) -> None:
    check_routes(create_app(built), "scheduler-service")


def test_what_it_states_to_read_and_to_answer_is_what_its_code_says() -> None:
    statements.check("scheduler-service")


def test_its_lock_has_all_that_it_needs() -> None:
    assert unlocked("scheduler-service") == []
