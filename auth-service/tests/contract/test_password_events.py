"""What is published of passwords and addresses is what contracts/ says, and holds no secret."""

from datetime import UTC, datetime
from typing import Literal

import pytest

from auth_service import events
from auth_service.one_time_tokens import Purpose
from devkit.testing import assert_valid

THEN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
CREDENTIAL = {"_id": "0123456789abcdef", "email": "ann@clinic.example", "name": "Ann Lee", "role": "patient"}


@pytest.mark.parametrize("by", ["CHANGE", "RESET"])
def test_a_changed_password_is_as_its_schemas_say(by: Literal["CHANGE", "RESET"]) -> None:
    for event in events.password_changed(CREDENTIAL, THEN, by, "203.0.113.7"):
        assert_valid(event)
        assert "ann@clinic.example" not in str(event)


def test_a_verified_address_is_as_its_schemas_say() -> None:
    for event in events.email_verified(CREDENTIAL, THEN):
        assert_valid(event)
        assert "ann@clinic.example" not in str(event)


@pytest.mark.parametrize("purpose", Purpose)
def test_a_wish_for_a_mail_is_as_its_schema_says_and_without_the_token(purpose: Purpose) -> None:
    document = {"_id": "fedcba", "kind": purpose, "userId": "0123456789abcdef", "expiresAt": THEN, "tokenHash": "h"}
    event = events.one_time_token_requested(document)
    assert_valid(event)
    assert set(event["data"]) == {"userId", "requestId", "expiresAt"}


def test_a_refused_change_is_as_its_schema_says() -> None:
    assert_valid(events.refused_password_change(CREDENTIAL, "203.0.113.7", "INVALID_CREDENTIALS"))
