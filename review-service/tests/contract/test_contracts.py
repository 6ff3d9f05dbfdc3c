"""What review-service publishes, accepts and serves is what contracts/ says."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel
from visits import Visit

from chassis.context import bound
from chassis.tombstones import receipt
from devkit.contracts import statements
from devkit.locked import unlocked
from devkit.testing import assert_valid, check_routes, example
from review_service import events
from review_service.app import create_app
from review_service.bootstrap import Built


def test_the_announcement_of_a_review_is_as_its_schema_says(
    client: FlaskClient, built: Built, visit: Callable[..., Visit]
) -> None:
    made = visit()
    made.review(client, 4, comment="Kind and on time.")
    stored = built.database["reviews"].find_one({"appointmentId": made.id})
    assert stored
    [event] = stored["outbox"]
    assert_valid(event)
    assert event["subject"] == stored["_id"]
    assert event["data"]["doctorRating"] == {"average": 4.0, "count": 1, "version": 1}
    assert "Kind" not in repr(event)
    assert "Ann" not in repr(event)
    assert made.patient_id not in repr(event)


def test_the_receipt_is_as_its_schema_says() -> None:
    with bound("a-request"):
        assert_valid(receipt(events.SOURCE, "0123456789abcdef"))


@pytest.mark.parametrize(
    ("kind", "shape", "subject"),
    [
        ("appointment-completed", events.AppointmentEnded, "appointment_id"),
        ("appointment-no-show", events.AppointmentEnded, "appointment_id"),
        ("doctor-updated", events.DoctorUpdated, "doctor_id"),
        ("user-deleted", events.UserDeleted, "user_id"),
    ],
)
def test_every_accepted_event_can_be_read(kind: str, shape: type[BaseModel], subject: str) -> None:
    event = example(kind)
    assert shape.model_validate(event["data"]).model_dump()[subject] == event["subject"]


def test_the_routes_are_those_of_the_contract(built: Built) -> None:
    check_routes(create_app(built), events.SOURCE)


def test_what_it_states_to_read_and_to_answer_is_what_its_code_says() -> None:
    statements.check("review-service")


def test_its_lock_has_all_that_it_needs() -> None:
    assert unlocked("review-service") == []
