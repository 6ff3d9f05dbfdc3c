"""Requests that a doctor confirms, declines or leaves unanswered; visits, no-shows, and their correction."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from chassis.clock import new_id
from devkit.testing import assert_valid, bearer

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


@pytest.fixture
def doctor(clinic: Any) -> str:
    made: str = clinic.doctor(requiresConfirmation=True)
    return made


def announced(clinic: Any, appointment: dict[str, Any]) -> list[str]:
    outbox = clinic.stored(appointment)["outbox"]
    for event in outbox:
        assert_valid(event)
    return [event["type"] for event in outbox]


def test_a_request_counts_as_taken(clinic: Any, doctor: str, noon: datetime) -> None:
    patient = new_id()
    asked = clinic.booked(patient, doctor, noon)
    assert asked["status"] == "REQUESTED"
    assert announced(clinic, asked) == ["appointment-requested"]
    assert clinic.stored(asked)["history"][0]["action"] == "request"
    assert refused(clinic.book(new_id(), doctor, noon)) == (409, "SLOT_TAKEN")
    assert refused(clinic.book(patient, clinic.doctor(), noon)) == (409, "PATIENT_BUSY")


def test_its_doctor_confirms_it_once(clinic: Any, doctor: str, noon: datetime) -> None:
    asked = clinic.booked(new_id(), doctor, noon)
    assert refused(clinic.act("confirm", asked, bearer(asked["patientId"]))) == (403, "FORBIDDEN")
    assert refused(clinic.act("confirm", asked, bearer(new_id(), "doctor"))) == (404, "NOT_FOUND")
    assert clinic.act("confirm", asked, bearer(doctor, "doctor")).json["data"]["status"] == "BOOKED"
    assert refused(clinic.act("confirm", asked, bearer(doctor, "doctor"))) == (409, "INVALID_TRANSITION")
    assert announced(clinic, asked) == ["appointment-requested", "appointment-booked"]
    assert "lapsesAt" not in clinic.stored(asked)
    clinic.clock.shift = DAY + MINUTE
    clinic.built.service.advance_due(1000)
    assert clinic.stored(asked)["status"] == "BOOKED"


def test_what_is_declined_is_cancelled_and_its_time_free(clinic: Any, doctor: str, noon: datetime) -> None:
    asked = clinic.booked(new_id(), doctor, noon)
    answer = clinic.act("decline", asked, bearer(doctor, "doctor"), json={"reason": "whisper"})
    assert answer.json["data"]["status"] == "CANCELLED"
    stored = clinic.stored(asked)
    assert (stored["cause"], stored["history"][-1]["reason"]) == ("declined", "whisper")
    assert stored["outbox"][-1]["data"]["cause"] == "declined"
    assert "whisper" not in str(stored["outbox"])
    assert clinic.book(new_id(), doctor, noon).status_code == 201


def test_what_nobody_answers_lapses_after_a_day_or_at_its_start(clinic: Any, doctor: str, noon: datetime) -> None:
    clinic.clock.shift = timedelta(days=-1)
    later = clinic.booked(new_id(), doctor, noon)
    clinic.clock.shift = timedelta()
    clinic.clock.shift = noon - clinic.clock() - DAY - timedelta(hours=2)
    soon = clinic.booked(new_id(), doctor, noon - DAY)
    lapses = clinic.stored(later)["lapsesAt"]
    assert (lapses, clinic.stored(soon)["lapsesAt"]) == (
        clinic.stored(later)["createdAt"] + DAY,
        noon - DAY,
    )
    clinic.clock.shift = timedelta()
    clinic.clock.shift = noon - clinic.clock() - DAY + MINUTE
    assert clinic.built.service.advance_due(1000)["lapsed"] >= 2
    for asked in (later, soon):
        stored = clinic.stored(asked)
        assert (stored["status"], stored["cause"], stored["history"][-1]["by"]) == ("CANCELLED", "lapsed", "system")
        assert announced(clinic, asked) == ["appointment-requested", "appointment-cancelled"]
    assert clinic.built.service.advance_due(1000)["lapsed"] == 0


@pytest.mark.parametrize("action", ["confirm", "decline", "cancel", "reschedule"])
def test_what_has_lapsed_is_over_before_the_job_has_run(clinic: Any, doctor: str, noon: datetime, action: str) -> None:
    asked = clinic.booked(new_id(), doctor, noon)
    clinic.clock.shift = DAY + MINUTE
    body = {"start": (noon + DAY).isoformat()} if action == "reschedule" else None
    answer = clinic.act(action, asked, bearer(doctor, "doctor"), json=body)
    assert refused(answer) == (409, "INVALID_TRANSITION")


def test_a_request_that_is_moved_is_still_one_and_lapses_a_day_after_it_was_made(
    clinic: Any, doctor: str, noon: datetime
) -> None:
    patient = new_id()
    asked = clinic.booked(patient, doctor, noon)
    clinic.clock.shift = timedelta(hours=1)
    body = {"start": (noon + DAY).isoformat()}
    moved = clinic.act("reschedule", asked, bearer(patient), json=body)
    stored = clinic.stored(asked)
    assert moved.json["data"]["status"] == "REQUESTED"
    assert stored["lapsesAt"] == stored["createdAt"] + DAY


def test_it_keeps_its_terms_when_the_doctor_changes_them(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor(timezone="Asia/Kathmandu", slotMinutes=30)
    start = noon + timedelta(minutes=15)
    booked = clinic.booked(new_id(), doctor, start)
    clinic.doctor(doctor, version=2, timezone="UTC", slotMinutes=60, requiresConfirmation=True)
    seen = clinic.client.get(f"/api/v1/appointments/{booked['id']}", headers=bearer(doctor, "doctor")).json["data"]
    assert {name: seen[name] for name in ("start", "end", "timezone", "status")} == {
        name: booked[name] for name in ("start", "end", "timezone", "status")
    }


def test_a_visit_and_the_correction_of_its_outcome(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    booked = clinic.booked(patient, doctor, noon)
    steps = [("check-in", "CHECKED_IN"), ("no-show", "NO_SHOW"), ("complete", "COMPLETED"), ("no-show", "NO_SHOW")]
    for action, status in steps:
        answer = clinic.act(action, booked, bearer(doctor, "doctor"))
        assert answer.json["data"]["status"] == status
    assert announced(clinic, booked) == [
        "appointment-booked",
        "appointment-checked-in",
        "appointment-no-show",
        "appointment-completed",
        "appointment-no-show",
    ]
    assert refused(clinic.act("check-in", booked, bearer(doctor, "doctor"))) == (409, "INVALID_TRANSITION")
    clinic.clock.shift = noon - clinic.clock() + 7 * DAY + timedelta(minutes=31)
    assert refused(clinic.act("complete", booked, bearer(doctor, "doctor"))) == (409, "INVALID_TRANSITION")
    clinic.clock.shift -= timedelta(minutes=2)
    assert clinic.act("complete", booked, bearer(doctor, "doctor")).status_code == 200
