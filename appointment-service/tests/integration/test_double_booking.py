"""Nobody is double-booked, whoever races whom: the database refuses it.

Each of these fails once the index `claims_unique` is dropped.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Barrier
from typing import Any

from chassis.clock import new_id
from devkit.testing import bearer

ROUNDS = 10
HALF_HOUR = timedelta(minutes=30)
Answer = tuple[int, Any]


def at_once(actions: Sequence[Callable[[], Any]]) -> list[Answer]:
    """Do all of it at the same moment; (status, code) of each answer, in order."""
    barrier = Barrier(len(actions))

    def one(action: Callable[[], Any]) -> Answer:
        barrier.wait()
        answer = action()
        return answer.status_code, answer.json.get("code")

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(one, actions))


def booking(clinic: Any, patient: str, doctor: str, start: datetime) -> Callable[[], Any]:
    """The booking as a request of its own client."""
    client, headers = clinic.client.application.test_client(), bearer(patient)
    body = {"doctorId": doctor, "start": start.isoformat()}
    return lambda: client.post("/api/v1/appointments", json=body, headers=headers)


def overlaps(clinic: Any, **whose: str) -> int:
    active = clinic.built.database["appointments"].find({**whose, "status": "BOOKED"}).sort("start")
    return sum(later["start"] < earlier["end"] for earlier, later in pairwise(active))


def test_of_fifty_patients_who_want_one_slot_one_gets_it(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    for number in range(ROUNDS):
        start = noon + number * HALF_HOUR
        answers = at_once([booking(clinic, new_id(), doctor, start) for _ in range(50)])
        assert Counter(answers) == {(201, None): 1, (409, "SLOT_TAKEN"): 49}


def test_a_patient_who_races_to_two_doctors_gets_to_one(clinic: Any, noon: datetime) -> None:
    patient, long, short = new_id(), clinic.doctor(slotMinutes=60), clinic.doctor()
    for number in range(ROUNDS):
        hour = noon + timedelta(hours=number)
        wanted = [(long, hour), (short, hour + HALF_HOUR)]
        answers = at_once([booking(clinic, patient, doctor, start) for doctor, start in wanted])
        assert Counter(answers) == {(201, None): 1, (409, "PATIENT_BUSY"): 1}


def test_slots_of_old_and_new_length_cannot_both_be_booked(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    clinic.booked(new_id(), doctor, noon + HALF_HOUR)
    clinic.doctor(doctor, version=2, slotMinutes=60)
    answer = clinic.book(new_id(), doctor, noon)
    assert (answer.status_code, answer.json["code"]) == (409, "SLOT_TAKEN")


def test_nothing_overlaps_while_the_doctor_changes_the_slots_length(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    lengths = [15, 20, 30, 45, 60, 90]
    dice = random.Random(7)
    booked = 0
    for number in range(ROUNDS):
        wanted = [noon + timedelta(minutes=5 * dice.randrange(36)) for _ in range(40)]

        def change(version: int = 2 + 10 * number) -> Any:
            for step, length in enumerate(dice.sample(lengths, len(lengths))):
                clinic.doctor(doctor, version=version + step, slotMinutes=length)
            return clinic.client.application.test_client().get("/health/live")

        answers = at_once([change, *(booking(clinic, new_id(), doctor, start) for start in wanted)])
        assert {code for _, code in answers} <= {None, "SLOT_TAKEN", "SLOT_UNAVAILABLE"}
        booked += sum(status == 201 for status, _ in answers)
    assert booked > 1
    assert overlaps(clinic, doctorId=doctor) == 0
    assert clinic.built.database["appointments"].count_documents({"doctorId": doctor}) == booked


def test_booking_and_cancelling_in_a_race_leave_one_holder(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    held = clinic.booked(patient, doctor, noon)
    for _ in range(ROUNDS):
        client, path = clinic.client.application.test_client(), f"/api/v1/appointments/{held['id']}/cancel"
        headers = bearer(doctor, "doctor")
        others = [booking(clinic, new_id(), doctor, noon) for _ in range(10)]
        cancelled, *answers = at_once([lambda c=client, p=path, h=headers: c.post(p, headers=h), *others])
        assert cancelled == (200, None)
        assert sum(status == 201 for status, _ in answers) <= 1
        active = list(clinic.built.database["appointments"].find({"doctorId": doctor, "status": "BOOKED"}))
        assert len(active) <= 1
        held = {"id": active[0]["_id"]} if active else clinic.booked(new_id(), doctor, noon)
