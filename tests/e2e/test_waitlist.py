"""A freed slot goes to who waits for it, in their order, and to nobody twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from tests.client import Gateway, Person, eventually
from tests.clinic import book, bookable_doctor, slots

WAITING = 30


@pytest.fixture
def doctor(gateway: Gateway, admin: Person) -> Person:
    return bookable_doctor(gateway, admin)


def join(patient: Person, doctor: Person) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    dates = {"from": str(today), "to": str(today + timedelta(days=5))}
    place: dict[str, Any] = patient.post(f"/doctors/{doctor.id}/waitlist", dates).expect(201).data
    return place


def place_of(patient: Person) -> dict[str, Any]:
    (place,) = patient.get("/waitlist").expect(200).data["items"]
    return place


def test_thirty_wait_for_one_slot_and_exactly_one_gets_it(gateway: Gateway, doctor: Person) -> None:
    owner = gateway.sign_up("Ann Lee")
    start = slots(gateway, doctor)[10]["start"]
    booked = book(owner, doctor, start).expect(201).data
    with ThreadPoolExecutor(4) as pool:
        crowd = list(pool.map(lambda number: gateway.sign_up(f"Waiting {number}"), range(WAITING)))
    places = [join(patient, doctor) for patient in crowd]
    crowd[0].post(f"/doctors/{doctor.id}/waitlist", {"from": start[:10], "to": start[:10]}).expect(409)

    owner.post(f"/appointments/{booked['id']}/cancel").expect(200)
    assert start not in {item["start"] for item in slots(gateway, doctor)}, "what is held is not shown"
    book(gateway.sign_up("Quick Fox"), doctor, start).expect(409, "SLOT_TAKEN")
    offered = place_of(crowd[0])
    assert (offered["status"], offered["offer"]["start"]) == ("OFFERED", start)
    barrier = Barrier(WAITING)

    def accept(number: int) -> tuple[int, str | None]:
        barrier.wait()
        answer = crowd[number].post(f"/waitlist/{places[number]['id']}/accept")
        return answer.status, answer.data and answer.data.get("start")

    with ThreadPoolExecutor(WAITING) as pool:
        answers = list(pool.map(accept, range(WAITING)))
    assert answers[0] == (200, start)
    assert {status for status, _ in answers[1:]} <= {409, 410}
    (taken,) = crowd[0].get("/appointments").expect(200).data["items"]
    assert (taken["start"], taken["status"]) == (start, "BOOKED")

    def told() -> bool:
        # a mail that comes after the offer has expired is not sent, but it was to be
        services = crowd[0].get("/users/me/export").expect(200).data["services"]
        return "waitlist-offered" in {mail["template"] for mail in services["scheduler-service"]["mails"]}

    eventually("the mail of the offer", told)


def test_an_offer_that_is_refused_or_lapses_passes_on_till_nobody_is_left(gateway: Gateway, doctor: Person) -> None:
    owner, first, second = (gateway.sign_up(name) for name in ("Ann Lee", "Bo Ray", "Cem Aydin"))
    start = slots(gateway, doctor)[10]["start"]
    booked = book(owner, doctor, start).expect(201).data
    places = [join(patient, doctor) for patient in (first, second)]
    owner.post(f"/appointments/{booked['id']}/cancel").expect(200)
    first.post(f"/waitlist/{places[0]['id']}/decline").expect(200)
    assert place_of(first)["status"] == "WAITING"
    assert place_of(second)["offer"]["start"] == start, "it passes on at once"
    first.post(f"/waitlist/{places[1]['id']}/accept").expect(404)
    eventually("the offer to lapse", lambda: place_of(second)["status"] == "WAITING", seconds=30)
    second.post(f"/waitlist/{places[1]['id']}/accept").expect(409, "NO_OFFER")
    assert start in {item["start"] for item in slots(gateway, doctor)}, "nobody is left: it is free for all"
