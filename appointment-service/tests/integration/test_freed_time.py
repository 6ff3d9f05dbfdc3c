"""Whatever frees a doctor's time gives it to who waits, in the same moment."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError

from chassis.clock import new_id
from devkit.testing import bearer

DAY = timedelta(days=1)
Freeing = Callable[[Any, dict[str, Any]], Any]


def act(action: str, role: str, **body: Any) -> Freeing:
    def do(clinic: Any, booked: dict[str, Any]) -> Any:
        who = bearer(booked[f"{role}Id"], role) if role != "admin" else bearer("boss", "admin")
        answer = clinic.act(action, booked, who, json=body or None)
        assert answer.status_code == 200, answer.text

    return do


def move(clinic: Any, booked: dict[str, Any]) -> None:
    start = datetime.fromisoformat(booked["start"]) + timedelta(hours=3)
    act("reschedule", "patient", start=start.isoformat())(clinic, booked)


def move_with_a_key(clinic: Any, booked: dict[str, Any]) -> None:
    start = datetime.fromisoformat(booked["start"]) + timedelta(hours=3)
    who = {**bearer(booked["patientId"]), "Idempotency-Key": "once"}
    assert clinic.act("reschedule", booked, who, json={"start": start.isoformat()}).status_code == 200


def lapse(clinic: Any, _: dict[str, Any]) -> None:
    clinic.clock.shift = DAY + timedelta(minutes=1)
    clinic.built.service.advance_due(1000)


FREEING: dict[str, Freeing] = {
    "the patient cancels": act("cancel", "patient"),
    "the doctor cancels": act("cancel", "doctor"),
    "an admin cancels": act("cancel", "admin"),
    "the doctor declines": act("decline", "doctor"),
    "a move": move,
    "a move with a key": move_with_a_key,
    "nobody answers": lapse,
    "the patient leaves": lambda clinic, booked: clinic.tell("user-deactivated", booked["patientId"], 2),
    "the patient is erased": lambda clinic, booked: clinic.tell("user-deleted", booked["patientId"], 2),
}


def waiting(clinic: Any, doctor: str, noon: datetime) -> str:
    patient: str = new_id()
    dates = {"from": (noon - DAY).date().isoformat(), "to": (noon + DAY).date().isoformat()}
    answer = clinic.client.post(f"/api/v1/doctors/{doctor}/waitlist", json=dates, headers=bearer(patient))
    assert answer.status_code == 201, answer.text
    return patient


def place(clinic: Any, patient: str) -> dict[str, Any]:
    (found,) = clinic.client.get("/api/v1/waitlist", headers=bearer(patient)).json["data"]["items"]
    return dict(found)


@pytest.mark.parametrize("happening", FREEING)
def test_it_is_held_for_the_first_in_line(clinic: Any, noon: datetime, happening: str) -> None:
    doctor = clinic.doctor(requiresConfirmation=happening in ("the doctor declines", "nobody answers"))
    booked = clinic.booked(new_id(), doctor, noon)
    patient = waiting(clinic, doctor, noon)
    FREEING[happening](clinic, booked)
    offered = place(clinic, patient)
    assert (offered["status"], offered["offer"]["start"]) == ("OFFERED", booked["start"])
    assert clinic.book(new_id(), doctor, noon).json["code"] == "SLOT_TAKEN"
    # and is no appointment yet, not even to who it is held for
    hold = clinic.built.database["appointments"].find_one({"patientId": patient, "status": "HELD"})
    seen = clinic.client.get(f"/api/v1/appointments/{hold['_id']}", headers=bearer(patient))
    assert (seen.status_code, seen.json["code"]) == (404, "NOT_FOUND")
    assert clinic.client.get("/api/v1/appointments", headers=bearer(patient)).json["data"]["items"] == []


@pytest.mark.parametrize("happening", ["no-show", "complete"])
def test_an_outcome_frees_nothing_for_others(clinic: Any, noon: datetime, happening: str) -> None:
    doctor = clinic.doctor()
    booked = clinic.booked(new_id(), doctor, noon)
    patient = waiting(clinic, doctor, noon)
    act(happening, "doctor")(clinic, booked)
    assert place(clinic, patient)["status"] == "WAITING"


def test_a_doctor_who_leaves_gives_nothing_to_others(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    booked = clinic.booked(new_id(), doctor, noon)
    patient = waiting(clinic, doctor, noon)
    clinic.tell("user-deactivated", doctor, 2, role="doctor")
    assert clinic.stored(booked)["status"] == "CANCELLED"
    assert clinic.client.get("/api/v1/waitlist", headers=bearer(patient)).json["data"]["items"] == []


def test_who_waits_keeps_nobody_from_cancelling(clinic: Any, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time it is to be held, the first in line has just become busy."""
    doctor = clinic.doctor()
    booked = clinic.booked(new_id(), doctor, noon)
    waiting(clinic, doctor, noon)
    attempts = []

    def busy(*_: Any) -> None:
        attempts.append(1)
        raise DuplicateKeyError("E11000")

    monkeypatch.setattr(clinic.built.waitlist, "hold", busy)
    act("cancel", "patient")(clinic, booked)
    assert len(attempts) == 5
    assert clinic.stored(booked)["status"] == "CANCELLED"
    assert clinic.book(new_id(), doctor, noon).status_code == 201
