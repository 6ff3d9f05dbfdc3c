"""An appointment's life as its people see it, through the gateway."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

import pytest

from devkit.suite import Instance
from tests.client import Gateway, Person, eventually
from tests.clinic import book, bookable_doctor, slots
from tests.post import mails_to


@pytest.fixture
def doctor(gateway: Gateway, admin: Person) -> Person:
    return bookable_doctor(gateway, admin)


def test_a_retry_under_its_key_books_once_however_often_it_is_sent(gateway: Gateway, doctor: Person) -> None:
    patient = gateway.sign_up("Ann Lee")
    body = {"doctorId": doctor.id, "start": slots(gateway, doctor)[5]["start"]}
    barrier = Barrier(10)

    def send(_: int) -> tuple[int, str | None, str | None]:
        barrier.wait()
        answer = patient.post("/appointments", body, headers={"Idempotency-Key": "same"})
        return answer.status, answer.code, answer.data and answer.data["id"]

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(send, range(10)))
    assert {answer[:2] for answer in answers} <= {(201, None), (409, "IDEMPOTENCY_IN_PROGRESS")}
    (booked,) = {identifier for status, _, identifier in answers if status == 201}
    again = patient.post("/appointments", body, headers={"Idempotency-Key": "same"}).expect(201)
    assert (again.data["id"], again.headers["Idempotency-Replayed"]) == (booked, "true")
    assert len(patient.get("/appointments").expect(200).data["items"]) == 1
    # no key at all is not what its sender meant
    patient.post("/appointments", body, headers={"Idempotency-Key": ""}).expect(422, "VALIDATION_FAILED")
    other = {**body, "reason": "another wish"}
    patient.post("/appointments", other, headers={"Idempotency-Key": "same"}).expect(422, "IDEMPOTENCY_KEY_REUSED")


def test_a_move_keeps_the_appointment_and_frees_the_old_time_or_changes_nothing(
    gateway: Gateway, doctor: Person, suite: Instance
) -> None:
    patient, other = gateway.sign_up("Ann Lee"), gateway.sign_up("Cem Aydin")
    old, taken, new = (slots(gateway, doctor)[number]["start"] for number in (4, 6, 8))
    booked = book(patient, doctor, old).expect(201).data
    book(other, doctor, taken).expect(201)
    path = f"/appointments/{booked['id']}/reschedule"
    patient.post(path, {"start": taken}).expect(409, "SLOT_TAKEN")
    assert patient.get(f"/appointments/{booked['id']}").data["start"] == old
    moved = patient.post(path, {"start": new, "reason": "a meeting"}).expect(200).data
    assert (moved["id"], moved["start"], moved["version"]) == (booked["id"], new, 2)
    shown = {item["start"] for item in slots(gateway, doctor)}
    assert old in shown
    assert new not in shown
    line = patient.get(f"/appointments/{booked['id']}").data["history"][-1]
    assert (line["by"], line["reason"], line["start"]) == (patient.id, "a meeting", new)
    eventually(
        "the mail of the move",
        lambda: any("moved" in mail["Subject"].lower() for mail in mails_to(suite, patient.email)),
    )


def test_a_doctor_who_decides_first_confirms_one_request_and_declines_another(gateway: Gateway, admin: Person) -> None:
    doctor = bookable_doctor(gateway, admin, requiresConfirmation=True)
    patient, other = gateway.sign_up("Ann Lee"), gateway.sign_up("Cem Aydin")
    first, second = (slots(gateway, doctor)[number]["start"] for number in (4, 6))
    asked = book(patient, doctor, first).expect(201).data
    assert asked["status"] == "REQUESTED"
    book(other, doctor, first).expect(409, "SLOT_TAKEN")
    patient.post(f"/appointments/{asked['id']}/confirm").expect(403)
    confirmed = doctor.post(f"/appointments/{asked['id']}/confirm").expect(200).data
    assert confirmed["status"] == "BOOKED"
    doctor.post(f"/appointments/{asked['id']}/decline").expect(409, "INVALID_TRANSITION")
    unlucky = book(other, doctor, second).expect(201).data
    declined = doctor.post(f"/appointments/{unlucky['id']}/decline", {"reason": "on leave"}).expect(200).data
    assert declined["status"] == "CANCELLED"
    assert second in {item["start"] for item in slots(gateway, doctor)}
    assert other.get(f"/appointments/{unlucky['id']}").data["history"][-1]["reason"] == "on leave"


def test_a_visit_is_checked_in_completed_and_corrected(gateway: Gateway, doctor: Person) -> None:
    patient = gateway.sign_up("Ann Lee")
    booked = book(patient, doctor, slots(gateway, doctor)[3]["start"]).expect(201).data
    path = f"/appointments/{booked['id']}"
    for action, status in (("check-in", "CHECKED_IN"), ("complete", "COMPLETED"), ("no-show", "NO_SHOW")):
        assert doctor.post(f"{path}/{action}").expect(200).data["status"] == status
    # who did not come after all has nothing to review
    eventually(
        "the correction to arrive",
        lambda: patient.post(f"{path}/review", {"rating": 1}).expect(409, "NOT_REVIEWABLE"),
    )
    patient.post(f"{path}/cancel").expect(409, "INVALID_TRANSITION")
    assert [line["status"] for line in patient.get(path).data["history"]] == [
        "BOOKED",
        "CHECKED_IN",
        "COMPLETED",
        "NO_SHOW",
    ]


def test_the_doctors_card_shows_the_next_free_slot(gateway: Gateway, admin: Person) -> None:
    # in UTC, in whose days the slots are asked for: elsewhere the first may be yesterday's
    doctor = bookable_doctor(gateway, admin, zone="UTC")
    patient = gateway.sign_up("Ann Lee")

    def card() -> str | None:
        shown: str | None = gateway.call("GET", f"/doctors/{doctor.id}").expect(200).data["nextAvailable"]
        return shown

    def is_first_free() -> bool:
        return card() == slots(gateway, doctor)[0]["start"]

    eventually("the next free slot on the card", is_first_free)
    first = book(patient, doctor, card() or "").expect(201).data
    eventually("the one after it", lambda: (card() or "") > first["start"] and is_first_free())
    patient.post(f"/appointments/{first['id']}/cancel").expect(200)
    eventually("the first again", lambda: card() == first["start"])
    doctor.put("/doctors/me/accepting", {"accepting": False}).expect(200)
    eventually("none", lambda: card() is None)


def test_what_the_appointments_add_up_to(gateway: Gateway, admin: Person) -> None:
    doctor = bookable_doctor(gateway, admin, zone="UTC")
    patient = gateway.sign_up("Ann Lee")
    free = slots(gateway, doctor)
    done, off, kept = (book(patient, doctor, free[number]["start"]).expect(201).data for number in (60, 62, 64))
    doctor.post(f"/appointments/{done['id']}/complete").expect(200)
    patient.post(f"/appointments/{off['id']}/cancel").expect(200)
    days = sorted(item["start"][:10] for item in (done, kept))
    span = f"from={days[0]}&to={days[-1]}"

    def told(who: Person, path: str) -> None:
        totals = who.get(path).expect(200).data["totals"]
        assert (totals["counts"]["COMPLETED"], totals["counts"]["CANCELLED"], totals["counts"]["BOOKED"]) == (1, 1, 1)
        assert totals["cancellationRate"] == pytest.approx(1 / 3, abs=0.001)
        assert totals["bookedMinutes"] == 60
        number = (datetime.fromisoformat(days[-1]) - datetime.fromisoformat(days[0])).days + 1
        assert totals["offeredMinutes"] == number * 24 * 60
        assert totals["utilisation"] == pytest.approx(60 / totals["offeredMinutes"], abs=0.001)

    told(doctor, f"/doctors/me/analytics?{span}")
    told(admin, f"/admin/analytics/appointments?{span}&groupBy=week&doctorId={doctor.id}")
    patient.get("/doctors/me/analytics").expect(403)
    doctor.get("/admin/analytics/appointments").expect(403)
