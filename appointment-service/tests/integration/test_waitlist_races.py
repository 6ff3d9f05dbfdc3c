"""Whoever races whom for a held slot, it comes to one outcome, and the database decides which."""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from chassis.clock import new_id
from devkit.testing import bearer

HALF_HOUR = timedelta(minutes=30)
ROUNDS = 6


def codes(answers: Any) -> list[tuple[int, str | None]]:
    return [(answer.status_code, answer.json.get("code")) for answer in answers]


def active(clinic: Any, doctor: str) -> list[dict[str, Any]]:
    return list(clinic.built.database["appointments"].find({"doctorId": doctor, "claims": {"$exists": True}}))


def test_of_thirty_who_wait_for_one_slot_exactly_one_gets_it(
    clinic: Any, line: Any, together: Any, noon: datetime
) -> None:
    doctor = clinic.doctor()
    places = line.joined(doctor, noon.date(), 30)
    line.held(doctor, noon)
    answers = codes(together([partial(line.act, "accept", place) for place in places]))
    assert answers[0] == (200, None)
    assert Counter(answers[1:]) == {(409, "NO_OFFER"): 29}
    (appointment,) = active(clinic, doctor)
    assert (appointment["patientId"], appointment["status"]) == (places[0]["patientId"], "BOOKED")


def test_nobody_gets_in_between_as_it_passes_on(clinic: Any, line: Any, together: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    places = line.joined(doctor, noon.date(), 12)
    line.held(doctor, noon)
    over: list[bool] = []

    def refuse_all() -> None:
        for place in places[:-1]:
            assert line.act("decline", place).status_code == 200
        over.append(True)

    def book_and_look() -> set[Any]:
        seen = set()
        while not over:
            seen.update(codes([clinic.book(new_id(), doctor, noon)]))
            seen.add(any(start.startswith(f"{noon:%Y-%m-%dT%H:%M}") for start in clinic.starts(doctor, noon)))
        return seen

    _, *seen = together([refuse_all, book_and_look, book_and_look])
    assert set().union(*seen) == {(409, "SLOT_TAKEN"), False}
    assert line.offered(places) == [11]


def test_sweeps_at_once_share_the_work(alone_line: Any, together: Any, noon: datetime) -> None:
    line, doctors = alone_line, [alone_line.clinic.doctor() for _ in range(6)]
    lines = [line.joined(doctor, noon.date(), 3) for doctor in doctors]
    for doctor in doctors:
        line.held(doctor, noon)
    line.clinic.clock.shift = timedelta(minutes=31)
    swept = together([lambda: line.clinic.built.waitlist.expire(100)["passedOn"]] * 4)
    assert sum(swept) == len(doctors)
    assert [line.offered(places) for places in lines] == [[1]] * len(doctors)
    for doctor, places in zip(doctors, lines, strict=True):
        assert [len(line.stored(place)["outbox"]) for place in places] == [1, 1, 0]
        said, held = line.pairs(doctor)
        assert said == held


def test_accepting_races_the_sweep(clinic: Any, line: Any, together: Any, noon: datetime) -> None:
    outcomes = set()
    for _ in range(ROUNDS):
        doctor = clinic.doctor()
        first, second = line.joined(doctor, noon.date(), 2)
        line.held(doctor, noon)
        late = line.later(timedelta(minutes=31))
        answer, _ = together([partial(line.act, "accept", first), lambda late=late: late.expire(1000)])
        outcomes.add(answer.status_code)
        assert codes([answer])[0] in {(200, None), (409, "NO_OFFER")}
        (held,) = active(clinic, doctor)
        taker = first if answer.status_code == 200 else second
        assert held["patientId"] == taker["patientId"]
        assert held["status"] == ("BOOKED" if taker is first else "HELD")
        assert line.seen(second)["status"] == ("WAITING" if taker is first else "OFFERED")
    assert outcomes <= {200, 409}


def test_accepting_refusing_and_leaving_at_once_come_to_one_thing(
    clinic: Any, line: Any, together: Any, noon: datetime
) -> None:
    for _ in range(ROUNDS):
        doctor = clinic.doctor()
        first, second = line.joined(doctor, noon.date(), 2)
        line.held(doctor, noon)
        acts = [partial(line.act, "accept", first), partial(line.act, "decline", first), partial(line.leave, first)]
        accepted, declined, left = codes(together(acts))
        assert left == (200, None)
        assert accepted in {(200, None), (409, "NO_OFFER"), (404, "NOT_FOUND")}
        assert declined in {(200, None), (409, "NO_OFFER"), (404, "NOT_FOUND")}
        assert (accepted[0], declined[0]) != (200, 200)
        (held,) = active(clinic, doctor)
        assert held["patientId"] == (first if accepted[0] == 200 else second)["patientId"]


def test_accepting_many_times_at_once_makes_one_appointment(
    clinic: Any, line: Any, together: Any, noon: datetime
) -> None:
    doctor = clinic.doctor()
    (place,) = line.joined(doctor, noon.date())
    line.held(doctor, noon)
    answers = together([partial(line.act, "accept", place)] * 10)
    assert Counter(codes(answers)) == {(200, None): 10}
    assert len({answer.json["data"]["id"] for answer in answers}) == 1
    (appointment,) = active(clinic, doctor)
    assert (appointment["version"], len(appointment["outbox"]), len(appointment["history"])) == (1, 1, 1)


def test_holding_races_bookings_of_the_same_time(clinic: Any, line: Any, together: Any, noon: datetime) -> None:
    doctor, other = clinic.doctor(), clinic.doctor()
    for number in range(ROUNDS):
        start = noon + number * HALF_HOUR
        (place,) = line.joined(doctor, noon.date())

        books = [partial(clinic.book, new_id(), doctor, start), partial(clinic.book, place["patientId"], other, start)]
        _, *answers = together([partial(line.held, doctor, start), *books])
        taken = [item for item in active(clinic, doctor) if item["start"] == start]
        assert len(taken) <= 1
        assert line.pairs(doctor)[0] == line.pairs(doctor)[1]
        offered = bool(line.holds(doctor))
        assert not (offered and any(status == 201 for status, _ in codes(answers)))
        line.leave(place)


def test_two_slots_that_are_freed_at_once_are_not_both_offered_to_one(
    clinic: Any, line: Any, together: Any, noon: datetime
) -> None:
    for _ in range(ROUNDS):
        doctor = clinic.doctor()
        line.joined(doctor, noon.date())
        together([partial(line.held, doctor, noon), partial(line.held, doctor, noon + HALF_HOUR)])
        said, held = line.pairs(doctor)
        assert len(said) == 1
        assert said == held


@pytest.mark.parametrize("who", ["patient", "doctor"])
def test_accepting_races_an_erasure(clinic: Any, line: Any, together: Any, noon: datetime, who: str) -> None:
    for _ in range(ROUNDS):
        doctor = clinic.doctor()
        first, second = line.joined(doctor, noon.date(), 2)
        line.held(doctor, noon)
        gone = first["patientId"] if who == "patient" else doctor
        erase = partial(clinic.tell, "user-deleted", gone, 6, who)
        answer, _ = together([partial(line.act, "accept", first), erase])
        assert codes([answer])[0] in {(200, None), (404, "NOT_FOUND"), (401, "TOKEN_INVALID")}
        database = clinic.built.database
        assert database["waitlist"].count_documents({"$or": [{"patientId": gone}, {"doctorId": gone}]}) == 0
        assert database["appointments"].count_documents({"$or": [{"patientId": gone}, {"doctorId": gone}]}) == 0
        if who == "patient" and answer.status_code != 200:
            assert line.seen(second)["status"] == "OFFERED"


def test_twenty_who_book_at_once_get_nothing_of_a_held_slot(
    clinic: Any, line: Any, together: Any, noon: datetime
) -> None:
    doctor = clinic.doctor()
    line.joined(doctor, noon.date())
    line.held(doctor, noon)
    books = [partial(clinic.client.application.test_client().post, "/api/v1/appointments") for _ in range(20)]
    body = {"doctorId": doctor, "start": noon.isoformat()}
    answers = together([partial(book, json=body, headers=bearer(new_id())) for book in books])
    assert Counter(codes(answers)) == {(409, "SLOT_TAKEN"): 20}
