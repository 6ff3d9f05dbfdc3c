"""Moving an appointment: in place, all or nothing."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from appointment_service.domain.claims import claims
from chassis.clock import new_id
from devkit.testing import assert_valid, bearer

HALF_HOUR = timedelta(minutes=30)
HOUR = timedelta(hours=1)
ADMIN = bearer("boss", "admin", "Bo Oss", "boss@clinic.example")


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def move(clinic: Any, booked: dict[str, Any], who: dict[str, str], start: datetime, **more: Any) -> Any:
    return clinic.act("reschedule", booked, who, json={"start": start.isoformat(), **more})


def as_instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("mover", ["patient", "doctor"])
def test_it_is_the_same_appointment_at_another_time(clinic: Any, noon: datetime, mover: str) -> None:
    doctor, patient = clinic.doctor(), new_id()
    who = bearer(patient) if mover == "patient" else bearer(doctor, "doctor")
    booked = clinic.booked(patient, doctor, noon)
    answer = move(clinic, booked, who, noon + HOUR, reason="whisper")
    data = answer.json["data"]
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert (data["id"], data["start"], data["status"]) == (booked["id"], as_instant(noon + HOUR), "BOOKED")
    stored = clinic.stored(booked)
    assert stored["claims"] == claims(doctor, patient, noon + HOUR, noon + HOUR + HALF_HOUR)
    assert stored["history"][-1] == {
        "action": "reschedule",
        "status": "BOOKED",
        "at": stored["updatedAt"],
        "by": patient if mover == "patient" else doctor,
        "reason": "whisper",
        "start": noon + HOUR,
    }
    event = stored["outbox"][-1]
    assert_valid(event)
    assert event["type"] == "appointment-rescheduled"
    assert (event["data"]["previousStart"], event["data"]["by"]) == (as_instant(noon)[:-1] + ".000Z", mover)
    assert "whisper" not in str(event)
    assert clinic.book(new_id(), doctor, noon).status_code == 201


def test_to_a_taken_time_it_stays_where_it_was(clinic: Any, noon: datetime) -> None:
    doctor, other, patient = clinic.doctor(), clinic.doctor(), new_id()
    booked = clinic.booked(patient, doctor, noon)
    clinic.booked(new_id(), doctor, noon + HOUR)
    clinic.booked(patient, other, noon + 2 * HOUR)
    before = clinic.stored(booked)
    assert refused(move(clinic, booked, bearer(patient), noon + HOUR)) == (409, "SLOT_TAKEN")
    assert refused(move(clinic, booked, bearer(doctor, "doctor"), noon + 2 * HOUR)) == (409, "PATIENT_BUSY")
    odd = noon + timedelta(minutes=5)
    assert refused(move(clinic, booked, bearer(patient), odd)) == (409, "SLOT_UNAVAILABLE")
    assert refused(move(clinic, booked, bearer(patient), noon + timedelta(days=90))) == (409, "SLOT_UNAVAILABLE")
    assert clinic.stored(booked) == before


def test_it_may_move_onto_a_part_of_its_own_time(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor(slotMinutes=60)
    patient = new_id()
    booked = clinic.booked(patient, doctor, noon)
    clinic.doctor(doctor, version=2, slotMinutes=30)
    data = move(clinic, booked, bearer(patient), noon + HALF_HOUR).json["data"]
    assert (data["start"], data["end"]) == (as_instant(noon + HALF_HOUR), as_instant(noon + HOUR))
    assert clinic.book(new_id(), doctor, noon).status_code == 201


def test_to_where_it_is_already_is_no_change(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    booked = clinic.booked(patient, doctor, noon)
    answer = move(clinic, booked, bearer(patient), noon)
    assert (answer.status_code, answer.json["data"]["version"]) == (200, 1)


def test_others_an_admin_and_stale_copies_do_not_move_it(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    booked = clinic.booked(patient, doctor, noon)
    assert refused(move(clinic, booked, bearer(new_id()), noon + HOUR)) == (404, "NOT_FOUND")
    assert refused(move(clinic, booked, ADMIN, noon + HOUR)) == (403, "FORBIDDEN")
    stale = {**bearer(patient), "If-Match": '"7"'}
    assert refused(move(clinic, booked, stale, noon + HOUR)) == (412, "VERSION_MISMATCH")


def test_what_has_begun_or_is_over_stays(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    begun, over = clinic.booked(patient, doctor, noon), clinic.booked(patient, doctor, noon + HOUR)
    clinic.act("cancel", over, bearer(patient))
    assert refused(move(clinic, over, bearer(patient), noon + 2 * HOUR)) == (409, "INVALID_TRANSITION")
    clinic.clock.shift = noon - clinic.clock() + timedelta(minutes=1)
    assert refused(move(clinic, begun, bearer(patient), noon + 2 * HOUR)) == (409, "INVALID_TRANSITION")
    assert move(clinic, begun, bearer(doctor, "doctor"), noon + 2 * HOUR).status_code == 200


def test_where_the_doctor_takes_nobody_only_the_doctor_moves(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    booked = clinic.booked(patient, doctor, noon)
    calendar = clinic.built.database["calendars"].find_one({"_id": doctor})["calendar"]
    clinic.tell_doctor(doctor, 2, calendar=calendar, accepting=False)
    assert refused(move(clinic, booked, bearer(patient), noon + HOUR)) == (409, "DOCTOR_NOT_ACCEPTING")
    clinic.tell_doctor(doctor, 3, calendar=calendar, visible=False)
    assert refused(move(clinic, booked, bearer(patient), noon + HOUR)) == (404, "DOCTOR_NOT_FOUND")
    assert move(clinic, booked, bearer(doctor, "doctor"), noon + HOUR).status_code == 200


def test_a_move_does_not_buy_a_patient_out_of_the_doctors_notice(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(cancellationNoticeMinutes=7 * 24 * 60), new_id()
    booked = clinic.booked(patient, doctor, noon)
    far = noon + timedelta(days=30)
    assert move(clinic, booked, bearer(patient), far).status_code == 200
    assert refused(clinic.act("cancel", booked, bearer(patient))) == (409, "TOO_LATE_TO_CANCEL")
    # the doctor's own move is no trick of the patient's
    assert move(clinic, booked, bearer(doctor, "doctor"), far + HOUR).status_code == 200
    assert "cancellableUntil" not in clinic.stored(booked)
    assert clinic.act("cancel", booked, bearer(patient)).status_code == 200


def test_an_early_move_keeps_the_right_to_cancel(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(cancellationNoticeMinutes=60), new_id()
    booked = clinic.booked(patient, doctor, noon)
    assert move(clinic, booked, bearer(patient), noon + HOUR).status_code == 200
    assert clinic.act("cancel", booked, bearer(patient)).status_code == 200
