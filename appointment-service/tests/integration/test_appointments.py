"""Who sees which appointments, and what becomes of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from chassis.clock import new_id
from devkit.testing import assert_valid, bearer

ADMIN = bearer("boss", "admin", "Bo Oss", "boss@clinic.example")

HALF_HOUR = timedelta(minutes=30)


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def listed(clinic: Any, who: dict[str, str], query: str = "") -> list[str]:
    answer = clinic.client.get(f"/api/v1/appointments{query}", headers=who)
    assert answer.status_code == 200, answer.json
    return [item["id"] for item in answer.json["data"]["items"]]


def get(clinic: Any, appointment: dict[str, Any], who: dict[str, str]) -> Any:
    return clinic.client.get(f"/api/v1/appointments/{appointment['id']}", headers=who)


# seeing


def test_its_people_and_admins_see_it_and_nobody_else(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    booked = clinic.booked(patient, doctor, noon)
    for who in (bearer(patient), bearer(doctor, "doctor"), ADMIN):
        answer = get(clinic, booked, who)
        assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
        assert answer.json["data"]["history"] == [
            {
                "action": "book",
                "status": "BOOKED",
                "at": booked["createdAt"],
                "by": patient,
                "start": booked["start"],
            }
        ]
    # the doctor's id in a patient's token is another person
    for stranger in (bearer(new_id()), bearer(new_id(), "doctor"), bearer(doctor), bearer(patient, "doctor")):
        assert refused(get(clinic, booked, stranger)) == (404, "NOT_FOUND")
    assert clinic.client.get(f"/api/v1/appointments/{booked['id']}").status_code == 401


@pytest.mark.parametrize("identifier", ["nothing", "a%00b", "%24ne", "x" * 300])
def test_what_is_not_there_is_not_found(clinic: Any, identifier: str) -> None:
    for path, method in (("", "GET"), ("/cancel", "POST")):
        answer = clinic.client.open(f"/api/v1/appointments/{identifier}{path}", method=method, headers=ADMIN)
        assert refused(answer) == (404, "NOT_FOUND")


def test_everybody_lists_their_own_newest_start_first(clinic: Any, noon: datetime) -> None:
    doctor, other, patient = clinic.doctor(), clinic.doctor(), new_id()
    first = clinic.booked(patient, doctor, noon)["id"]
    third = clinic.booked(patient, other, noon + 2 * HALF_HOUR)["id"]
    second = clinic.booked(patient, doctor, noon + HALF_HOUR)["id"]
    strangers = clinic.booked(new_id(), doctor, noon + 3 * HALF_HOUR)["id"]
    assert listed(clinic, bearer(patient)) == [third, second, first]
    assert listed(clinic, bearer(doctor, "doctor")) == [strangers, second, first]
    assert listed(clinic, bearer(new_id())) == []
    assert listed(clinic, ADMIN, f"?patientId={patient}") == [third, second, first]
    assert listed(clinic, ADMIN, f"?doctorId={doctor}&patientId={patient}") == [second, first]
    assert listed(clinic, bearer(patient), f"?doctorId={doctor}") == [second, first]
    assert listed(clinic, bearer(doctor, "doctor"), f"?patientId={patient}&doctorId={doctor}") == [second, first]


def test_no_filter_reaches_another_ones_appointments(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    clinic.booked(patient, doctor, noon)
    assert listed(clinic, bearer(new_id()), f"?patientId={patient}") == []
    assert listed(clinic, bearer(new_id(), "doctor"), f"?doctorId={doctor}&patientId={patient}") == []


def test_filters_by_status_and_time(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    who = bearer(patient)
    today = clinic.booked(patient, doctor, noon)
    tomorrow = clinic.booked(patient, doctor, noon + timedelta(days=1))
    clinic.act("cancel", tomorrow, who)
    day = noon.date()
    assert listed(clinic, who, "?status=CANCELLED") == [tomorrow["id"]]
    assert listed(clinic, who, f"?from={day}&to={day}") == [today["id"]]
    assert listed(clinic, who, f"?from={day + timedelta(days=1)}") == [tomorrow["id"]]
    assert listed(clinic, who, f"?to={today['start']}") == []
    assert listed(clinic, who, f"?from={today['start']}&to={tomorrow['start']}") == [today["id"]]
    assert listed(clinic, who, "?to=9999-12-31") == [tomorrow["id"], today["id"]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=GONE", "status"),
        ("from=2030-01-01T00:00:00", "from"),
        ("to=0", "to"),
        ("limit=101", "limit"),
        ("cursor=abc", "cursor"),
        ("cursor=W10", "cursor"),
        ("doctorId[$ne]=x", "doctorId[$ne]"),
        ("patientId=%24", "patientId"),
    ],
)
def test_bad_filters_are_named(clinic: Any, query: str, field: str) -> None:
    answer = clinic.client.get(f"/api/v1/appointments?{query}", headers=bearer(new_id()))
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_pages_hold_each_appointment_once_also_where_many_start_together(clinic: Any, noon: datetime) -> None:
    tag = new_id()
    clinic.built.database["appointments"].insert_many(
        [
            {
                **dict.fromkeys(("reason", "doctorId"), None),
                "_id": new_id(),
                "patientId": tag,
                "start": noon + (number // 4) * HALF_HOUR,
                "end": noon + (number // 4 + 1) * HALF_HOUR,
                "timezone": "UTC",
                "status": "CANCELLED",
                "version": 2,
                "createdAt": noon,
                "updatedAt": noon,
            }
            for number in range(17)
        ]
    )
    seen, cursor = [], ""
    while cursor is not None:
        page = clinic.client.get(f"/api/v1/appointments?limit=3{cursor}", headers=bearer(tag)).json["data"]
        seen += page["items"]
        cursor = page["nextCursor"] and f"&cursor={page['nextCursor']}"
    keys = [(item["start"], item["id"]) for item in seen]
    assert len(keys) == 17
    assert keys == sorted(set(keys), reverse=True)


# cancelling


def test_cancelling_frees_the_time_and_is_announced(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    booked = clinic.booked(patient, doctor, noon)
    answer = clinic.act("cancel", booked, bearer(patient), json={"reason": "I am better"})
    data = answer.json["data"]
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert (data["status"], data["version"], data["reason"]) == ("CANCELLED", 2, None)
    history = get(clinic, booked, bearer(patient)).json["data"]["history"]
    line = {"action": "cancel", "status": "CANCELLED", "by": patient, "reason": "I am better"}
    assert history[1] == {**line, "at": data["updatedAt"]}
    stored = clinic.stored(booked)
    assert "claims" not in stored
    event = stored["outbox"][-1]
    assert_valid(event)
    assert (event["type"], event["data"]["version"], event["data"]["by"]) == ("appointment-cancelled", 2, "patient")
    assert "better" not in str(event)
    assert clinic.book(new_id(), doctor, noon).status_code == 201
    assert clinic.book(patient, clinic.doctor(), noon).status_code == 201


def test_inside_the_doctors_notice_only_doctor_and_admin_cancel(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(cancellationNoticeMinutes=7 * 24 * 60), new_id()
    for who in (bearer(doctor, "doctor"), ADMIN):
        booked = clinic.booked(patient, doctor, noon)
        assert refused(clinic.act("cancel", booked, bearer(patient))) == (409, "TOO_LATE_TO_CANCEL")
        assert clinic.act("cancel", booked, who).status_code == 200


def test_an_admin_who_cancels_is_named_in_the_audit_alone(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    booked = clinic.booked(patient, doctor, noon)
    assert clinic.act("cancel", booked, ADMIN, json={"reason": "a-whisper"}).status_code == 200
    assert refused(clinic.act("cancel", booked, ADMIN)) == (409, "INVALID_TRANSITION")
    assert get(clinic, booked, bearer(patient)).json["data"]["history"][-1]["by"] == "admin"
    told = clinic.stored(booked)["outbox"]
    assert [event["type"] for event in told] == ["appointment-booked", "appointment-cancelled", "audit-recorded"]
    assert_valid(told[-1])
    entry = told[-1]["data"]
    assert (entry["action"], entry["refusedFor"]) == ("appointment.cancelled", None)
    assert (entry["actorId"], entry["actorRole"]) == ("boss", "admin")
    assert (entry["subjectId"], entry["objectId"]) == (patient, booked["id"])
    assert "whisper" not in repr(told)


@pytest.mark.parametrize("role", ["patient", "doctor"])
def test_what_its_own_people_cancel_is_no_matter_for_the_audit(clinic: Any, noon: datetime, role: str) -> None:
    people = {"doctor": clinic.doctor(), "patient": new_id()}
    booked = clinic.booked(people["patient"], people["doctor"], noon)
    assert clinic.act("cancel", booked, bearer(people[role], role)).status_code == 200
    assert [event["type"] for event in clinic.stored(booked)["outbox"]] == [
        "appointment-booked",
        "appointment-cancelled",
    ]


def test_what_is_cancelled_is_cancelled_once(clinic: Any, noon: datetime) -> None:
    patient = new_id()
    booked = clinic.booked(patient, clinic.doctor(), noon)
    clinic.act("cancel", booked, bearer(patient))
    assert refused(clinic.act("cancel", booked, bearer(patient))) == (409, "INVALID_TRANSITION")
    assert len(clinic.stored(booked)["history"]) == 2


def test_strangers_can_neither_cancel_nor_complete(clinic: Any, noon: datetime) -> None:
    booked = clinic.booked(new_id(), clinic.doctor(), noon)
    for action in ("cancel", "complete"):
        assert refused(clinic.act(action, booked, bearer(new_id(), "doctor"))) == (404, "NOT_FOUND")
    assert refused(clinic.act("cancel", booked, bearer(new_id()))) == (404, "NOT_FOUND")
    assert clinic.stored(booked)["status"] == "BOOKED"


def test_a_stale_if_match_changes_nothing(clinic: Any, noon: datetime) -> None:
    patient = new_id()
    booked = clinic.booked(patient, clinic.doctor(), noon)
    stale = {**bearer(patient), "If-Match": '"7"'}
    assert refused(clinic.act("cancel", booked, stale)) == (412, "VERSION_MISMATCH")
    assert clinic.act("cancel", booked, {**bearer(patient), "If-Match": '"1"'}).status_code == 200


def test_of_two_racing_cancels_one_passes(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    for number in range(10):
        booked = clinic.booked(patient, doctor, noon + number * HALF_HOUR)
        barrier = Barrier(2)

        def at_once(who: dict[str, str], booked: Any = booked, barrier: Barrier = barrier) -> tuple[int, Any]:
            client = clinic.client.application.test_client()
            barrier.wait()
            answer = client.post(f"/api/v1/appointments/{booked['id']}/cancel", headers=who)
            return answer.status_code, answer.json.get("code")

        with ThreadPoolExecutor(2) as pool:
            answers = sorted(pool.map(at_once, [bearer(patient), bearer(doctor, "doctor")]), key=str)
        assert answers == [(200, None), (409, "INVALID_TRANSITION")]
        stored = clinic.stored(booked)
        assert (stored["version"], len(stored["history"]), len(stored["outbox"])) == (2, 2, 2)


# completing


def test_its_doctor_completes_it_and_the_rest_of_its_time_is_free(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    booked = clinic.booked(patient, doctor, noon)
    answer = clinic.act("complete", booked, bearer(doctor, "doctor"))
    assert (answer.status_code, answer.json["data"]["status"], answer.json["data"]["version"]) == (200, "COMPLETED", 2)
    stored = clinic.stored(booked)
    assert "claims" not in stored
    event = stored["outbox"][-1]
    assert_valid(event)
    assert (event["type"], event["data"]["by"]) == ("appointment-completed", "doctor")
    assert refused(clinic.act("complete", booked, bearer(doctor, "doctor"))) == (409, "INVALID_TRANSITION")
    assert refused(clinic.act("cancel", booked, bearer(patient))) == (409, "INVALID_TRANSITION")


def test_neither_its_patient_nor_an_admin_completes_it(clinic: Any, noon: datetime) -> None:
    patient = new_id()
    booked = clinic.booked(patient, clinic.doctor(), noon)
    for who in (bearer(patient), ADMIN):
        assert refused(clinic.act("complete", booked, who)) == (403, "FORBIDDEN")


def test_a_checked_in_appointment_can_be_completed(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    booked = clinic.booked(new_id(), doctor, noon)
    clinic.built.database["appointments"].update_one({"_id": booked["id"]}, {"$set": {"status": "CHECKED_IN"}})
    assert clinic.act("complete", booked, bearer(doctor, "doctor")).status_code == 200


# what time does


def ended(clinic: Any, minutes: float, **calendar: Any) -> dict[str, Any]:
    """An appointment that ended (at most five minutes more than) so many minutes ago."""
    grid = clinic.clock().replace(second=0, microsecond=0)
    grid -= timedelta(minutes=grid.minute % 5)
    clinic.clock.shift = timedelta(days=-1)
    doctor = clinic.doctor(slotMinutes=5, **calendar)
    booked: dict[str, Any] = clinic.booked(new_id(), doctor, grid - timedelta(minutes=minutes + 5))
    clinic.clock.shift = timedelta()
    return booked


def settle(clinic: Any) -> dict[str, int]:
    answer: dict[str, int] = clinic.built.service.advance_due(200)
    return answer


def test_what_is_over_is_settled_a_quarter_of_an_hour_later(clinic: Any) -> None:
    settle(clinic)
    recent, seen, unseen = ended(clinic, 5), ended(clinic, 20), ended(clinic, 20, unattendedOutcome="NO_SHOW")
    attended = ended(clinic, 20, unattendedOutcome="NO_SHOW")
    clinic.built.database["appointments"].update_one({"_id": attended["id"]}, {"$set": {"status": "CHECKED_IN"}})
    assert settle(clinic) == {"completed": 2, "noShow": 1, "lapsed": 0}
    after = [clinic.stored(item) for item in (recent, seen, unseen, attended)]
    assert [item["status"] for item in after] == ["BOOKED", "COMPLETED", "NO_SHOW", "COMPLETED"]
    assert [len(item["outbox"]) for item in after] == [1, 2, 2, 2]
    assert ["claims" in item for item in after] == [True, False, False, False]
    assert_valid(after[1]["outbox"][-1])
    assert after[1]["outbox"][-1]["data"]["by"] == after[1]["history"][-1]["by"] == "system"
    assert settle(clinic) == {"completed": 0, "noShow": 0, "lapsed": 0}


def test_two_sweeps_at_once_settle_each_appointment_once(clinic: Any) -> None:
    settle(clinic)
    over = [ended(clinic, 20) for _ in range(20)]
    barrier = Barrier(4)

    def at_once(_: int) -> int:
        barrier.wait()
        return settle(clinic)["completed"]

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(at_once, range(4))) == 20
    assert {(clinic.stored(item)["version"], len(clinic.stored(item)["outbox"])) for item in over} == {(2, 2)}


def test_a_sweep_takes_the_longest_due_and_no_more_than_it_is_told(clinic: Any) -> None:
    settle(clinic)
    later, earlier = ended(clinic, 20), ended(clinic, 60)
    assert clinic.built.service.advance_due(1) == {"completed": 1, "noShow": 0, "lapsed": 0}
    assert [clinic.stored(item)["status"] for item in (later, earlier)] == ["BOOKED", "COMPLETED"]


def test_the_doctor_may_correct_a_no_show(clinic: Any) -> None:
    unseen = ended(clinic, 20, unattendedOutcome="NO_SHOW")
    settle(clinic)
    doctor = bearer(unseen["doctorId"], "doctor")
    clinic.clock.shift = timedelta(days=8)
    assert refused(clinic.act("complete", unseen, doctor)) == (409, "INVALID_TRANSITION")
    clinic.clock.shift = timedelta()
    assert clinic.act("complete", unseen, doctor).json["data"]["status"] == "COMPLETED"
    assert clinic.stored(unseen)["outbox"][-1]["type"] == "appointment-completed"
