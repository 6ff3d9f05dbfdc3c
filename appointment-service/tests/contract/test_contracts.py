"""What appointment-service publishes, accepts and serves is what contracts/ says."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from appointment_service import events
from appointment_service.app import create_app
from appointment_service.bootstrap import Built
from appointment_service.domain.appointment import Actor, Status
from devkit.contracts import statements
from devkit.locked import unlocked
from devkit.testing import assert_valid, check_routes, example


def appointment(status: Status) -> dict[str, Any]:
    return {
        "_id": "0123456789abcdef",
        "doctorId": "doctor",
        "patientId": "patient",
        "start": datetime(2026, 3, 30, 7, tzinfo=UTC),
        "end": datetime(2026, 3, 30, 7, 30, tzinfo=UTC),
        "timezone": "Europe/Paris",
        "status": status,
        "version": 3,
        "reason": "a rash",
        "lapsesAt": datetime(2026, 3, 29, 7, tzinfo=UTC),
    }


@pytest.mark.parametrize("by", list(Actor))
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (Status.REQUESTED, "appointment-requested"),
        (Status.BOOKED, "appointment-booked"),
        (Status.CHECKED_IN, "appointment-checked-in"),
        (Status.COMPLETED, "appointment-completed"),
        (Status.NO_SHOW, "appointment-no-show"),
        (Status.CANCELLED, "appointment-cancelled"),
    ],
)
def test_what_is_announced_is_as_its_schema_says(status: Status, kind: str, by: Actor) -> None:
    event = events.announcement(appointment(status), by)
    assert_valid(event)
    assert (event["type"], event["subject"]) == (kind, "0123456789abcdef")
    assert "rash" not in str(event)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("user-deactivated", events.UserStatus),
        ("user-recovered", events.UserStatus),
        ("user-suspended", events.UserStatus),
        ("user-reinstated", events.UserStatus),
        ("email-verified", events.EmailVerified),
        ("user-deleted", events.UserDeleted),
    ],
)
def test_every_event_about_a_user_can_be_read(kind: str, shape: type[BaseModel]) -> None:
    event = example(kind)
    assert shape.model_validate(event["data"]).model_dump()["user_id"] == event["subject"]


@pytest.mark.parametrize("more", [{}, {"calendar": None, "name": None}, {"active": False}])
def test_every_event_about_a_doctor_can_be_read(more: dict[str, Any]) -> None:
    event = example("doctor-updated", **more)
    read = events.DoctorUpdated.model_validate(event["data"]).model_dump(by_alias=True)
    assert read.items() <= event["data"].items()


def test_the_routes_are_those_of_the_contract(built: Built) -> None:
    check_routes(create_app(built), "appointment-service")


def test_what_it_states_to_read_and_to_answer_is_what_its_code_says() -> None:
    statements.check("appointment-service")


def test_its_lock_has_all_that_it_needs() -> None:
    assert unlocked("appointment-service") == []
