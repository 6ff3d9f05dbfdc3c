"""Whatever gives a doctor's time back gives it to who waits, in the same transaction."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from chassis.clock import new_id
from devkit.testing import bearer

HALF_HOUR = timedelta(minutes=30)


def test_a_cancelled_appointment_goes_to_who_waits(clinic: Any, line: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    booked = clinic.booked(patient, doctor, noon)
    places = line.joined(doctor, noon.date(), 2)
    assert clinic.act("cancel", booked, bearer(patient)).status_code == 200
    assert line.offered(places) == [0]
    assert clinic.book(new_id(), doctor, noon).json["code"] == "SLOT_TAKEN"
    taken = line.act("accept", places[0]).json["data"]
    assert clinic.act("cancel", taken, bearer(places[0]["patientId"])).status_code == 200
    assert line.offered(places) == [1]


def test_a_moved_appointment_leaves_its_time_to_others_who_wait(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    mover, other = line.joined(doctor, noon.date(), 2)
    booked = clinic.booked(mover["patientId"], doctor, noon)
    body = {"start": (noon + 2 * HALF_HOUR).isoformat()}
    assert clinic.act("reschedule", booked, bearer(mover["patientId"]), json=body).status_code == 200
    assert line.offered([mover, other]) == [1], "whoever gave it up is not offered it again"


def test_a_declined_request_goes_to_who_waits(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor(requiresConfirmation=True)
    (place,) = line.joined(doctor, noon.date())
    booked = clinic.booked(new_id(), doctor, noon)
    assert clinic.act("decline", booked, bearer(doctor, "doctor"), json={}).status_code == 200
    assert line.offered([place]) == [0]


def test_a_patient_who_leaves_gives_back_time_to_who_waits(clinic: Any, line: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    clinic.booked(patient, doctor, noon)
    (place,) = line.joined(doctor, noon.date())
    clinic.tell("user-deactivated", patient, 2)
    assert line.offered([place]) == [0]


def test_of_six_cancelled_at_once_three_go_to_three(clinic: Any, line: Any, together: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    booked = [clinic.booked(new_id(), doctor, noon + number * HALF_HOUR) for number in range(6)]
    places = line.joined(doctor, noon.date(), 3)
    cancels = [partial(line.post, f"/appointments/{item['id']}/cancel", item["patientId"]) for item in booked]
    assert [answer.status_code for answer in together(cancels)] == [200] * 6
    assert line.offered(places) == [0, 1, 2]
    said, held = line.pairs(doctor)
    assert len(held) == 3
    assert said == held
