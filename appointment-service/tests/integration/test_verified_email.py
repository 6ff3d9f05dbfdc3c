"""Where REQUIRE_VERIFIED_EMAIL is on, only a patient whose address is verified books."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from appointment_service.app import create_app
from appointment_service.bootstrap import build
from appointment_service.config import Config
from chassis.clock import new_id
from chassis.keys import secret_key
from chassis.tokens import TokenIssuer
from devkit.testing import JWT_SECRET


def token(patient: str, verified: bool) -> dict[str, str]:
    claims = {"sid": new_id(), "role": "patient", "name": "Pat Doe", "email": "pat@clinic.example"}
    issued = TokenIssuer(secret_key(JWT_SECRET)).issue(
        patient, {**claims, "email_verified": verified}, timedelta(minutes=5)
    )
    return {"Authorization": f"Bearer {issued}"}


@pytest.fixture
def strict(clinic: Any, env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A clinic that asks for it."""
    for name, value in {**env, "REQUIRE_VERIFIED_EMAIL": "true"}.items():
        monkeypatch.setenv(name, value)
    made = build(Config.read(), clinic.clock)
    app = create_app(made)
    app.testing = True
    yield replace(clinic, built=made, client=app.test_client())
    made.database.close()


def book(clinic: Any, doctor: str, start: datetime, headers: dict[str, str]) -> Any:
    body = {"doctorId": doctor, "start": start.isoformat()}
    return clinic.client.post("/api/v1/appointments", json=body, headers=headers)


def test_without_a_verified_address_nothing_is_booked(strict: Any, noon: datetime) -> None:
    doctor = strict.doctor()
    refused = book(strict, doctor, noon, token(new_id(), False))
    assert (refused.status_code, refused.json["code"]) == (403, "EMAIL_NOT_VERIFIED")
    assert strict.built.database["appointments"].count_documents({"doctorId": doctor}) == 0


def test_a_token_that_says_so_is_enough_though_the_event_is_still_under_way(strict: Any, noon: datetime) -> None:
    assert book(strict, strict.doctor(), noon, token(new_id(), True)).status_code == 201


def test_the_event_is_enough_though_the_token_is_from_before(strict: Any, noon: datetime) -> None:
    patient = new_id()
    strict.tell_verified(patient)
    assert book(strict, strict.doctor(), noon, token(patient, False)).status_code == 201


def test_a_verified_address_stays_so_whatever_becomes_of_the_account(strict: Any, noon: datetime) -> None:
    patient = new_id()
    strict.tell("user-deactivated", patient, 2)
    strict.tell_verified(patient)
    assert book(strict, strict.doctor(), noon, token(patient, False)).json["code"] == "TOKEN_INVALID"
    strict.tell("user-recovered", patient, 3)
    strict.tell_verified(patient)
    assert book(strict, strict.doctor(), noon, token(patient, False)).status_code == 201


def test_an_address_verified_before_the_first_account_event_leaves_the_account_open(
    strict: Any, noon: datetime
) -> None:
    patient = new_id()
    strict.tell_verified(patient)
    strict.tell("user-suspended", patient, 1)
    assert book(strict, strict.doctor(), noon, token(patient, True)).json["code"] == "TOKEN_INVALID"


def test_it_is_off_unless_it_is_asked_for(clinic: Any, noon: datetime) -> None:
    assert book(clinic, clinic.doctor(), noon, token(new_id(), False)).status_code == 201
