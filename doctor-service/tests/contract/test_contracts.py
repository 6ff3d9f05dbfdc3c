"""What doctor-service publishes, accepts and serves is what contracts/ says."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from devkit.contracts import statements
from devkit.locked import unlocked
from devkit.testing import assert_valid, check_routes, example
from doctor_service import events
from doctor_service.app import create_app
from doctor_service.bootstrap import Built

DOCTOR: dict[str, Any] = {
    "_id": "0123456789abcdef",
    "version": 3,
    "name": "Amara Oyelaran",
    "specialty": "Dermatology",
    "clinic": {"name": "Harbour Clinic", "address": "1 Quay Street", "city": "Paris", "country": "FR"},
    "moderationStatus": "APPROVED",
    "visible": True,
    "accepting": False,
    "active": True,
    "availability": None,
    "overrides": [{"date": "2026-04-09", "windows": [{"from": "10:00", "to": "12:00"}], "reason": "a wedding"}],
    "createdAt": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
}
AVAILABILITY = {
    "timezone": "Europe/Paris",
    "slotMinutes": 30,
    "bufferMinutes": 5,
    "minNoticeMinutes": 0,
    "horizonDays": 60,
    "cancellationNoticeMinutes": 0,
    "requiresConfirmation": False,
    "unattendedOutcome": "NO_SHOW",
    "weekly": [{"weekday": "SAT", "from": "20:00", "to": "24:00"}],
}


@pytest.mark.parametrize("availability", [None, AVAILABILITY])
@pytest.mark.parametrize("clinic", [None, DOCTOR["clinic"]])
def test_doctor_updated_is_as_its_schema_says(availability: Any, clinic: Any) -> None:
    event = events.doctor_updated({**DOCTOR, "availability": availability, "clinic": clinic})
    assert_valid(event)
    assert (event["data"]["calendar"] is None) == (availability is None)
    assert event["data"]["clinic"] == clinic


def test_why_a_doctor_is_away_is_not_told() -> None:
    event = events.doctor_updated({**DOCTOR, "availability": AVAILABILITY})
    assert event["data"]["calendar"]["overrides"] == [
        {"date": "2026-04-09", "windows": [{"from": "10:00", "to": "12:00"}]}
    ]
    assert "wedding" not in repr(event)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("user-updated", events.UserUpdated),
        ("user-deactivated", events.UserStatus),
        ("user-recovered", events.UserStatus),
        ("user-suspended", events.UserStatus),
        ("user-reinstated", events.UserStatus),
        ("user-deleted", events.UserDeleted),
    ],
)
def test_every_accepted_user_event_can_be_read(kind: str, shape: type[BaseModel]) -> None:
    event = example(kind)
    assert shape.model_validate(event["data"]).model_dump()["user_id"] == event["subject"]


@pytest.mark.parametrize(("kind", "version"), [("review-posted", 14), ("review-changed", 15)])
def test_what_tells_of_a_rating_can_be_read(kind: str, version: int) -> None:
    review = events.DoctorRated.model_validate(example(kind)["data"])
    assert review.doctor_rating == events.DoctorRating(average=4.67, count=12, version=version)


def test_a_next_free_slot_can_be_read_and_that_there_is_none() -> None:
    told = example("next-available-changed")["data"]
    read = events.NextAvailableChanged.model_validate(told)
    assert (read.doctor_id, read.version) == (told["doctorId"], told["version"])
    assert read.next_available
    assert read.next_available.start == datetime.fromisoformat(told["nextAvailable"]["start"])
    assert events.NextAvailableChanged.model_validate({**told, "nextAvailable": None}).next_available is None


def test_the_routes_are_those_of_the_contract(built: Built) -> None:
    check_routes(create_app(built), "doctor-service")


def test_what_it_states_to_read_and_to_answer_is_what_its_code_says() -> None:
    statements.check("doctor-service")


def test_its_lock_has_all_that_it_needs() -> None:
    assert unlocked("doctor-service") == []
