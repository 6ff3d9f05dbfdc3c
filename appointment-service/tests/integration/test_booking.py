"""Booking a slot: what is answered, what is kept, what is refused."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from chassis.clock import new_id
from devkit.testing import assert_valid, bearer

HALF_HOUR = timedelta(minutes=30)


def test_a_booking_is_answered_kept_and_announced(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(timezone="Europe/Paris"), new_id()
    answer = clinic.book(patient, doctor, noon, reason="A rash")
    data = answer.json["data"]
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
    assert (data["doctorId"], data["patientId"], data["reason"]) == (doctor, patient, "A rash")
    assert (data["status"], data["version"], data["timezone"]) == ("BOOKED", 1, "Europe/Paris")
    assert data["start"] == noon.isoformat().replace("+00:00", "Z")
    assert datetime.fromisoformat(data["end"]) == noon + HALF_HOUR
    (event,) = clinic.stored(data)["outbox"]
    assert_valid(event)
    assert (event["type"], event["data"]["by"], event["requestid"]) == (
        "appointment-booked",
        "patient",
        answer.headers["X-Request-Id"],
    )
    assert "A rash" not in str(event)


def test_a_booked_slot_is_offered_no_more_and_the_others_still_are(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    before = clinic.starts(doctor, noon)
    taken = clinic.booked(new_id(), doctor, noon)["start"]
    assert clinic.starts(doctor, noon) == [start for start in before if start != taken]


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def test_a_taken_slot_is_refused(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    clinic.booked(new_id(), doctor, noon)
    assert refused(clinic.book(new_id(), doctor, noon)) == (409, "SLOT_TAKEN")


def test_a_patient_cannot_be_in_two_places(clinic: Any, noon: datetime) -> None:
    patient = new_id()
    clinic.booked(patient, clinic.doctor(slotMinutes=60), noon)
    assert refused(clinic.book(patient, clinic.doctor(), noon + HALF_HOUR)) == (409, "PATIENT_BUSY")


def test_where_doctor_and_patient_are_both_busy_it_is_the_slot_that_is_taken(clinic: Any, noon: datetime) -> None:
    # the patient's id sorts before and after the doctor's: what is told does not hang on it
    doctor = clinic.doctor()
    clinic.booked(new_id(), doctor, noon)
    for patient in (f"0{new_id()}", f"z{new_id()}"):
        clinic.booked(patient, clinic.doctor(), noon)
        assert refused(clinic.book(patient, doctor, noon)) == (409, "SLOT_TAKEN")


@pytest.mark.parametrize(
    "shift",
    [
        timedelta(minutes=5),
        timedelta(seconds=1),
        timedelta(days=-3),
        timedelta(days=61),
        timedelta(days=365 * 7000),
    ],
)
def test_what_is_no_slot_cannot_be_booked(clinic: Any, noon: datetime, shift: timedelta) -> None:
    assert refused(clinic.book(new_id(), clinic.doctor(), noon + shift)) == (409, "SLOT_UNAVAILABLE")


def test_a_slot_inside_the_doctors_notice_cannot_be_booked(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor(minNoticeMinutes=4 * 24 * 60)
    assert refused(clinic.book(new_id(), doctor, noon)) == (409, "SLOT_UNAVAILABLE")


def test_a_doctor_without_a_calendar_has_nothing_to_book(clinic: Any, noon: datetime) -> None:
    doctor = new_id()
    clinic.tell_doctor(doctor, 1, calendar=None)
    assert refused(clinic.book(new_id(), doctor, noon)) == (409, "SLOT_UNAVAILABLE")


def test_a_doctor_who_accepts_nobody_is_told_apart(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    clinic.tell_doctor(doctor, 2, accepting=False)
    assert refused(clinic.book(new_id(), doctor, noon)) == (409, "DOCTOR_NOT_ACCEPTING")


@pytest.mark.parametrize(
    "facts",
    [
        {"moderationStatus": "PENDING"},
        {"moderationStatus": "REJECTED"},
        {"moderationStatus": "SUSPENDED"},
        {"visible": False},
        {"active": False},
    ],
)
def test_a_doctor_who_is_not_listed_is_not_found(clinic: Any, noon: datetime, facts: dict[str, Any]) -> None:
    doctor = clinic.doctor()
    clinic.tell_doctor(doctor, 2, **facts)
    assert refused(clinic.book(new_id(), doctor, noon)) == (404, "DOCTOR_NOT_FOUND")
    assert refused(clinic.client.get(f"/api/v1/doctors/{doctor}/slots")) == (404, "DOCTOR_NOT_FOUND")


def test_an_unknown_doctor_is_not_found(clinic: Any, noon: datetime) -> None:
    assert refused(clinic.book(new_id(), new_id(), noon)) == (404, "DOCTOR_NOT_FOUND")


def test_a_patient_is_no_doctor(clinic: Any, noon: datetime) -> None:
    patient = new_id()
    clinic.tell("user-deactivated", patient, 2)
    assert refused(clinic.book(new_id(), patient, noon)) == (404, "DOCTOR_NOT_FOUND")


@pytest.mark.parametrize("kind", ["user-deactivated", "user-deleted"])
def test_a_token_that_outlived_its_account_books_nothing(clinic: Any, noon: datetime, kind: str) -> None:
    patient = new_id()
    clinic.tell(kind, patient, 2)
    assert refused(clinic.book(patient, clinic.doctor(), noon)) == (401, "TOKEN_INVALID")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("doctorId", None),
        ("doctorId", {"$ne": ""}),
        ("doctorId", "a b"),
        ("start", "tomorrow"),
        ("start", "2030-01-01T10:00:00"),
        ("start", 1893492000),
        ("reason", ""),
        ("reason", "x" * 2001),
        ("patientId", "somebody"),
        ("status", "COMPLETED"),
    ],
)
def test_bad_fields_are_named(clinic: Any, field: str, value: object) -> None:
    body = {"doctorId": new_id(), "start": "2030-01-01T10:00:00Z", field: value}
    answer = clinic.client.post("/api/v1/appointments", json=body, headers=bearer(new_id()))
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json["errors"]} == {field}


def test_only_patients_book(clinic: Any) -> None:
    body = {"doctorId": new_id(), "start": "2030-01-01T10:00:00Z"}
    codes = [
        clinic.client.post("/api/v1/appointments", json=body, headers=headers).status_code
        for headers in (None, bearer(new_id(), "doctor"), bearer(new_id(), "admin"))
    ]
    assert codes == [401, 403, 403]


def test_an_appointment_keeps_the_terms_it_was_booked_on(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(timezone="Europe/Paris"), new_id()
    booked = clinic.booked(patient, doctor, noon)
    clinic.doctor(doctor, version=2, slotMinutes=60, timezone="Asia/Tokyo", cancellationNoticeMinutes=30 * 24 * 60)
    seen = clinic.client.get(f"/api/v1/appointments/{booked['id']}", headers=bearer(patient)).json["data"]
    assert {key: seen[key] for key in booked} == booked
    assert clinic.act("cancel", booked, bearer(patient)).status_code == 200
