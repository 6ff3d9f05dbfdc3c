"""No overlap, whatever the lengths and however many at once, seen from outside."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise
from threading import Barrier, Event
from typing import Any

from tests.client import Gateway, Person, eventually
from tests.clinic import book, bookable_doctor, hours, slots


def test_overlapping_slots_of_different_lengths_cannot_both_be_booked(gateway: Gateway, admin: Person) -> None:
    doctor = bookable_doctor(gateway, admin, slotMinutes=30)
    first, second = gateway.sign_up("Ann Lee"), gateway.sign_up("Cem Aydin")
    # 00:30 of a later day: with slots of an hour, 00:00-01:00 overlaps it
    half_past = next(item["start"] for item in slots(gateway, doctor)[60:] if item["start"].endswith(":30:00Z"))
    book(first, doctor, half_past).expect(201)
    doctor.put("/doctors/me/availability", hours(slotMinutes=60)).expect(200)
    full_hour = half_past.replace(":30:00Z", ":00:00Z")
    # until the new length has arrived the full hour is a slot of 30 minutes, which is free: so wait for it
    eventually(
        "the slots of an hour",
        lambda: all(_minutes(item) == 60 for item in slots(gateway, doctor)),
    )
    assert full_hour not in {item["start"] for item in slots(gateway, doctor)}
    book(second, doctor, full_hour).expect(409, "SLOT_TAKEN")


def test_a_patient_cannot_be_in_two_places(gateway: Gateway, admin: Person) -> None:
    doctors = [bookable_doctor(gateway, admin, name=name) for name in ("Ben Ito", "Dora Kaya")]
    patient = gateway.sign_up("Ann Lee")
    start = slots(gateway, doctors[0])[40]["start"]
    barrier = Barrier(2)

    def rush(doctor: Person) -> tuple[int, str | None]:
        barrier.wait()
        answer = book(patient, doctor, start)
        return answer.status, answer.code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(rush, doctors)) == [(201, None), (409, "PATIENT_BUSY")]


def test_nothing_overlaps_while_patients_race_and_the_doctor_changes_the_slot_length(
    gateway: Gateway, admin: Person
) -> None:
    doctor = bookable_doctor(gateway, admin)
    patients = [gateway.sign_up(f"Patient {number}") for number in range(12)]
    barrier, done = Barrier(len(patients)), Event()

    def race(patient: Person) -> int:
        dice = random.Random(patient.email)
        barrier.wait()
        won = 0
        for _ in range(12):
            item = dice.choice(slots(gateway, doctor)[:30])
            won += book(patient, doctor, item["start"]).status == 201
        return won

    def change_hours() -> None:
        for minutes in (45, 20, 60, 30, 15) * 20:
            if done.is_set():
                return
            doctor.put("/doctors/me/availability", hours(slotMinutes=minutes)).expect(200)

    with ThreadPoolExecutor(len(patients) + 1) as pool:
        changing = pool.submit(change_hours)
        won = sum(pool.map(race, patients))
        done.set()
        changing.result()
    booked = _everything(admin, f"/appointments?doctorId={doctor.id}&status=BOOKED")
    assert len(booked) == won > 12, "every booking that was acknowledged is there"
    assert len({_minutes(item) for item in booked}) > 1, "the race had slots of several lengths"
    for of_one in (booked, *({p.id: [b for b in booked if b["patientId"] == p.id] for p in patients}).values()):
        in_order = sorted(of_one, key=lambda item: item["start"])
        assert all(left["end"] <= right["start"] for left, right in pairwise(in_order))


def _everything(person: Person, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = person.get(f"{path}&limit=100{cursor}").expect(200).data
        items += page["items"]
        if page["nextCursor"] is None:
            return items
        cursor = f"&cursor={page['nextCursor']}"


def _minutes(item: dict[str, str]) -> float:
    length = datetime.fromisoformat(item["end"]) - datetime.fromisoformat(item["start"])
    return length.total_seconds() / 60
