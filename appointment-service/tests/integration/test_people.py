"""What becomes of appointments and calendars when somebody leaves, comes back or is erased."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from chassis.clock import new_id
from devkit.testing import assert_valid, bearer

HALF_HOUR = timedelta(minutes=30)


def code(answer: Any) -> Any:
    return answer.json.get("code")


def test_a_patient_who_leaves_gives_back_every_future_appointment(clinic: Any, noon: datetime) -> None:
    patient, doctors = new_id(), [clinic.doctor(), clinic.doctor()]
    booked = [clinic.booked(patient, doctor, noon + i * HALF_HOUR) for i, doctor in enumerate(doctors)]
    strangers = clinic.booked(new_id(), doctors[0], noon + 2 * HALF_HOUR)
    clinic.tell("user-deactivated", patient, 2)
    for item in booked:
        stored = clinic.stored(item)
        assert (stored["status"], stored["version"], "claims" in stored) == ("CANCELLED", 2, False)
        assert stored["history"][-1]["by"] == "system"
        event = stored["outbox"][-1]
        assert_valid(event)
        assert (event["type"], event["data"]["by"], event["data"]["version"]) == ("appointment-cancelled", "system", 2)
    assert clinic.stored(strangers)["status"] == "BOOKED"
    assert clinic.book(new_id(), doctors[0], noon).status_code == 201


def test_what_has_begun_or_is_settled_stays_as_it_is(clinic: Any, noon: datetime) -> None:
    patient, doctor = new_id(), clinic.doctor()
    begun, done = clinic.booked(patient, doctor, noon), clinic.booked(patient, doctor, noon + HALF_HOUR)
    clinic.act("complete", done, bearer(doctor, "doctor"))
    clinic.clock.shift = timedelta(days=3)
    clinic.tell("user-deactivated", patient, 2)
    assert [clinic.stored(item)["status"] for item in (begun, done)] == ["BOOKED", "COMPLETED"]


def test_a_doctor_who_leaves_is_gone_at_once_whatever_doctor_service_still_says(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    booked = clinic.booked(new_id(), doctor, noon)
    clinic.tell("user-deactivated", doctor, 2)
    clinic.tell_doctor(doctor, 9, active=True)
    assert clinic.stored(booked)["status"] == "CANCELLED"
    assert code(clinic.book(new_id(), doctor, noon)) == "DOCTOR_NOT_FOUND"


def test_coming_back_restores_the_calendar_but_not_the_appointments(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    booked = clinic.booked(new_id(), doctor, noon)
    clinic.tell("user-deactivated", doctor, 2)
    clinic.tell("user-recovered", doctor, 3)
    assert clinic.stored(booked)["status"] == "CANCELLED"
    assert clinic.book(new_id(), doctor, noon).status_code == 201


def test_an_account_event_that_comes_late_changes_nothing(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    clinic.tell("user-recovered", doctor, 3)
    booked = clinic.booked(new_id(), doctor, noon)
    clinic.tell("user-deactivated", doctor, 2)
    assert clinic.stored(booked)["status"] == "BOOKED"


def test_a_doctor_event_that_comes_late_changes_nothing(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor(version=5)
    clinic.tell_doctor(doctor, 4, accepting=False)
    clinic.tell_doctor(doctor, 5, accepting=False)
    assert clinic.book(new_id(), doctor, noon).status_code == 201


def test_a_deactivation_that_overtakes_the_first_calendar_holds(clinic: Any, noon: datetime) -> None:
    doctor = new_id()
    clinic.tell("user-deactivated", doctor, 2)
    clinic.doctor(doctor)
    assert code(clinic.book(new_id(), doctor, noon)) == "DOCTOR_NOT_FOUND"
    clinic.tell("user-recovered", doctor, 3)
    assert clinic.book(new_id(), doctor, noon).status_code == 201


def test_a_suspended_doctor_is_gone_and_the_patients_are_told(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    booked = clinic.booked(new_id(), doctor, noon)
    clinic.tell("user-suspended", doctor, 2, role="doctor")
    stored = clinic.stored(booked)
    assert (stored["status"], stored["history"][-1]["by"]) == ("CANCELLED", "system")
    told = stored["outbox"][-1]
    assert_valid(told)
    assert (told["type"], told["data"]["by"]) == ("appointment-cancelled", "system")
    assert code(clinic.book(new_id(), doctor, noon)) == "DOCTOR_NOT_FOUND"
    assert clinic.client.get(f"/api/v1/doctors/{doctor}/slots").status_code == 404
    clinic.tell("user-reinstated", doctor, 3, role="doctor")
    assert clinic.stored(booked)["status"] == "CANCELLED"
    assert clinic.book(new_id(), doctor, noon).status_code == 201


def test_a_suspended_patient_keeps_the_appointments_and_books_and_moves_no_more(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    booked = clinic.booked(patient, doctor, noon)
    clinic.tell("user-suspended", patient, 2)
    assert clinic.stored(booked)["status"] == "BOOKED"
    assert code(clinic.book(patient, doctor, noon + HALF_HOUR)) == "TOKEN_INVALID"
    later = {"start": (noon + HALF_HOUR).isoformat()}
    assert code(clinic.act("reschedule", booked, bearer(patient), json=later)) == "TOKEN_INVALID"
    clinic.clock.shift = timedelta(minutes=2)
    clinic.built.people.sweep(1000)
    assert clinic.stored(booked)["status"] == "BOOKED"
    clinic.tell("user-reinstated", patient, 3)
    assert clinic.book(patient, doctor, noon + HALF_HOUR).status_code == 201


@pytest.mark.parametrize("older", ["user-suspended", "user-deactivated"])
@pytest.mark.parametrize("newer", ["user-reinstated", "user-recovered"])
def test_a_closing_that_comes_after_the_opening_changes_nothing(
    clinic: Any, noon: datetime, older: str, newer: str
) -> None:
    doctor = clinic.doctor()
    clinic.tell(newer, doctor, 3, role="doctor")
    booked = clinic.booked(new_id(), doctor, noon)
    clinic.tell(older, doctor, 2, role="doctor")
    assert clinic.stored(booked)["status"] == "BOOKED"


@pytest.mark.parametrize(
    ("closing", "opening"), [("user-suspended", "user-recovered"), ("user-deactivated", "user-reinstated")]
)
def test_an_opening_of_an_older_closing_does_not_open_a_newer_one(
    clinic: Any, noon: datetime, closing: str, opening: str
) -> None:
    doctor = clinic.doctor()
    clinic.tell(closing, doctor, 5, role="doctor")
    clinic.tell(opening, doctor, 4, role="doctor")
    assert code(clinic.book(new_id(), doctor, noon)) == "DOCTOR_NOT_FOUND"


def test_a_doctor_whose_profile_is_suspended_has_no_appointments_to_come(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor(version=4)
    booked = clinic.booked(new_id(), doctor, noon)
    clinic.tell_doctor(doctor, 3, moderationStatus="SUSPENDED")
    assert clinic.stored(booked)["status"] == "BOOKED", "older than what is held"
    clinic.tell_doctor(doctor, 5, moderationStatus="SUSPENDED")
    clinic.tell_doctor(doctor, 6, moderationStatus="SUSPENDED", accepting=False)
    stored = clinic.stored(booked)
    assert (stored["status"], stored["version"]) == ("CANCELLED", 2)
    assert code(clinic.book(new_id(), doctor, noon)) == "DOCTOR_NOT_FOUND"
    clinic.doctor(doctor, version=7)
    assert clinic.stored(booked)["status"] == "CANCELLED"
    assert clinic.book(new_id(), doctor, noon).status_code == 201


def test_a_doctor_who_is_rejected_or_hidden_keeps_the_appointments(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    booked = clinic.booked(new_id(), doctor, noon)
    clinic.tell_doctor(doctor, 2, moderationStatus="REJECTED")
    clinic.tell_doctor(doctor, 3, visible=False)
    assert clinic.stored(booked)["status"] == "BOOKED"


def erased(clinic: Any, user_id: str, *, also: tuple[str, ...] = ()) -> None:
    """Nothing of the person is left but the id, where it marks the erasure and in what is yet to be announced."""
    database = clinic.built.database
    held = list(database["appointments"].find({}, {"outbox": 0}))
    assert user_id not in repr(held)
    left = repr([held, *(list(database[name].find()) for name in ("calendars", "inbox", "tombstones"))])
    for text in also:
        assert text not in left
    assert set(database["calendars"].find_one({"_id": user_id})) == {
        "_id",
        "accountActive",
        "accountVersion",
        "version",
        "sweepAt",
    }
    receipt = database["tombstones"].find_one({"_id": user_id})["outbox"][-1]
    assert_valid(receipt)
    assert (receipt["type"], receipt["data"]["service"]) == ("user-data-erased", "appointment-service")


def test_an_erased_patient_leaves_statistics_and_nothing_else(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    done, active = (clinic.booked(patient, doctor, noon + i * HALF_HOUR, reason=f"linnet-visit-{i}") for i in range(2))
    gone = clinic.booked(patient, doctor, noon + 2 * HALF_HOUR)
    clinic.act("complete", done, bearer(doctor, "doctor"))
    clinic.act("cancel", gone, bearer(patient), json={"reason": "linnet-cancel"})
    clinic.tell("user-deleted", patient, 6)
    erased(clinic, patient, also=("linnet",))
    after = [clinic.stored(item) for item in (done, active, gone)]
    assert [item["status"] for item in after] == ["COMPLETED", "CANCELLED", "CANCELLED"]
    assert [item["doctorId"] for item in after] == [doctor] * 3
    cancelled = after[1]["outbox"][-1]
    assert_valid(cancelled)
    assert (cancelled["data"]["version"], after[1]["version"]) == (2, 3)
    # its doctor still sees it, without the patient, and cannot change it
    seen = clinic.client.get(f"/api/v1/appointments/{done['id']}", headers=bearer(doctor, "doctor")).json["data"]
    assert (seen["patientId"], seen["reason"]) == (None, None)
    assert [entry["by"] for entry in seen["history"]] == [None, doctor]
    assert code(clinic.act("complete", done, bearer(doctor, "doctor"))) == "INVALID_TRANSITION"
    assert clinic.book(new_id(), doctor, noon + HALF_HOUR).status_code == 201


def test_an_erased_doctor_leaves_the_patients_history_without_a_name(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    done = clinic.booked(patient, doctor, noon)
    clinic.act("complete", done, bearer(doctor, "doctor"))
    clinic.tell("user-deleted", doctor, 6)
    erased(clinic, doctor)
    seen = clinic.client.get(f"/api/v1/appointments/{done['id']}", headers=bearer(patient)).json["data"]
    assert (seen["doctorId"], seen["patientId"]) == (None, patient)
    assert [entry["by"] for entry in seen["history"]] == [patient, None]


def test_nothing_brings_an_erased_person_back(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    clinic.tell("user-deleted", doctor, 6)
    clinic.doctor(doctor, version=9)
    clinic.tell("user-recovered", doctor, 9)
    clinic.tell("user-deactivated", doctor, 10)
    erased(clinic, doctor)
    assert code(clinic.book(new_id(), doctor, noon)) == "DOCTOR_NOT_FOUND"


def test_erasing_someone_unknown_is_receipted_too(clinic: Any) -> None:
    nobody = new_id()
    clinic.tell("user-deleted", nobody, 1)
    erased(clinic, nobody)


def test_a_calendar_that_races_its_doctors_erasure_does_not_survive_it(clinic: Any) -> None:
    for _ in range(20):
        doctor, barrier = new_id(), Barrier(2)

        def told(doctor: str = doctor, barrier: Barrier = barrier) -> None:
            barrier.wait()
            clinic.doctor(doctor)

        def deleted(doctor: str = doctor, barrier: Barrier = barrier) -> None:
            barrier.wait()
            clinic.tell("user-deleted", doctor, 6)

        with ThreadPoolExecutor(2) as pool:
            for outcome in [pool.submit(told), pool.submit(deleted)]:
                outcome.result()
        erased(clinic, doctor)


def test_a_cancel_that_races_a_deactivation_is_told_of_once(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    for number in range(10):
        patient, barrier = new_id(), Barrier(2)
        booked = clinic.booked(patient, doctor, noon + number * HALF_HOUR)
        client = clinic.client.application.test_client()

        def cancel(booked: Any = booked, barrier: Barrier = barrier, client: Any = client) -> int:
            headers = bearer(doctor, "doctor")
            barrier.wait()
            status: int = client.post(f"/api/v1/appointments/{booked['id']}/cancel", headers=headers).status_code
            return status

        def leave(patient: str = patient, barrier: Barrier = barrier) -> int:
            barrier.wait()
            clinic.tell("user-deactivated", patient, 2)
            return 200

        with ThreadPoolExecutor(2) as pool:
            statuses = [outcome.result() for outcome in (pool.submit(cancel), pool.submit(leave))]
        assert statuses[0] in (200, 409)
        stored = clinic.stored(booked)
        assert (stored["status"], stored["version"], len(stored["outbox"])) == ("CANCELLED", 2, 2)
