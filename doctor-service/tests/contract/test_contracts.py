"""What doctor-service publishes, accepts and serves is what contracts/ says."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from devkit.testing import assert_valid, check_routes, example
from doctor_service import events
from doctor_service.app import create_app
from doctor_service.bootstrap import Built

DOCTOR: dict[str, Any] = {
    "_id": "0123456789abcdef",
    "version": 3,
    "name": "Amara Oyelaran",
    "specialty": "Dermatology",
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
def test_doctor_updated_is_as_its_schema_says(availability: dict[str, Any] | None) -> None:
    event = events.doctor_updated({**DOCTOR, "availability": availability})
    assert_valid(event)
    assert (event["data"]["calendar"] is None) == (availability is None)


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


def test_review_posted_can_be_read() -> None:
    review = events.ReviewPosted.model_validate(example("review-posted")["data"])
    assert (review.doctor_rating.average, review.doctor_rating.count, review.doctor_rating.version) == (4.67, 12, 14)


def test_the_routes_are_those_of_the_contract(built: Built) -> None:
    check_routes(create_app(built), "doctor-service")
