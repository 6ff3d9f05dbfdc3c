"""The plan of `make seed` is the same each time, believable, and nobody in it is in two places at once."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.seed.people import Batch
from tests.seed.plan import Plan
from tests.seed.year import TooMany

AT = datetime(2026, 3, 29, 14, 20, tzinfo=UTC)
"""Clocks went forward that night in Europe, and had three weeks before in New York."""
KINDS = ("people", "doctors", "appointments", "reviews", "follows", "places")


def batch(**more: object) -> Batch:
    return Batch(**{"seed": 7, "number": 0, "at": AT, "doctors": 24, "patients": 600, "appointments": 6000, **more})


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan(batch())


def test_the_same_seed_and_moment_make_the_same_plan_and_another_seed_another(plan: Plan) -> None:
    again, other = Plan(batch()), Plan(batch(seed=8))
    for kind in KINDS:
        assert getattr(plan, kind) == getattr(again, kind), kind
        assert getattr(plan, kind) != getattr(other, kind), kind


def test_later_on_the_same_day_only_what_is_over_by_then_differs(plan: Plan) -> None:
    later = Plan(batch(at=AT + timedelta(hours=3)))
    assert later.people == plan.people

    def who_and_when(one: Plan) -> list[tuple[str, ...]]:
        return [(line["doctorId"], line["patientId"], line["start"]) for line in one.appointments]

    def long_over(one: Plan) -> list[dict[str, Any]]:
        return [line for line in one.appointments if line["end"] < str(AT.date() - timedelta(days=1))]

    assert who_and_when(later) == who_and_when(plan)
    assert long_over(later) == long_over(plan)


def test_nobody_is_in_two_places_at_once(plan: Plan) -> None:
    busy: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in plan.appointments:
        for person in (line["doctorId"], line["patientId"]):
            busy[person].append((line["start"], line["end"]))
    for times in busy.values():
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(times)))


def test_the_shares_are_believable(plan: Plan) -> None:
    assert len(plan.appointments) == 6000
    past = Counter(line["status"] for line in plan.appointments if line["end"] <= plan.asked()["at"])
    share = {status: count / past.total() for status, count in past.items()}
    assert share.keys() == {"COMPLETED", "CANCELLED", "NO_SHOW"}
    assert 0.10 < share["CANCELLED"] < 0.15
    assert 0.035 < share["NO_SHOW"] < 0.065
    ahead = Counter(line["status"] for line in plan.appointments if line["start"] > plan.asked()["at"])
    assert ahead["BOOKED"] > 100
    assert ahead["REQUESTED"]
    assert ahead.keys() <= {"BOOKED", "REQUESTED", "CANCELLED"}
    stars = Counter(line["rating"] for line in plan.reviews)
    assert (stars[4] + stars[5]) / stars.total() > 0.75
    assert stars.keys() == {1, 2, 3, 4, 5}
    assert any(line["reports"] for line in plan.reviews)
    assert any(line["reply"] for line in plan.reviews)
    assert Counter(line["moderationStatus"] for line in plan.doctors) == {"APPROVED": 22, "PENDING": 1, "REJECTED": 1}
    assert any(person["status"] == "SUSPENDED" for person in plan.people)
    assert plan.places
    assert plan.follows


def test_what_was_done_to_an_appointment_was_done_in_order_and_by_now(plan: Plan) -> None:
    decisions = {line["doctorId"]: line["decision"] for line in plan.doctors}
    registered = {person["userId"]: datetime.fromisoformat(person["registeredAt"]) for person in plan.people}
    for line in plan.appointments:
        times = [datetime.fromisoformat(act["at"]) for act in line["acts"]]
        assert times == sorted(times), line
        assert times[-1] <= AT, line
        assert times[0] < datetime.fromisoformat(line["start"])
        approved = datetime.fromisoformat(decisions[line["doctorId"]]["at"])
        assert times[0] >= max(approved, registered[line["doctorId"]], registered[line["patientId"]])
        moved = sum(act["action"] == "reschedule" for act in line["acts"])
        assert moved or line["acts"][0]["start"] == line["start"]
        if line["status"] == "REQUESTED":
            assert times[0] + timedelta(hours=24) > AT


def test_ids_and_addresses_are_each_one_persons_also_beside_a_second_batch(plan: Plan) -> None:
    second = Plan(batch(number=1, doctors=8, patients=200, appointments=1000, first_doctor=24, first_patient=600))
    people = [*plan.people, *second.people]
    assert len({person["userId"] for person in people}) == len({person["email"] for person in people}) == len(people)
    # whatever their names: no two of one role have one number
    numbers = [(person["role"], person["email"].partition("@")[0].rpartition(".")[2]) for person in people]
    assert len(set(numbers)) == len(numbers)
    assert all(person["email"].isascii() and person["email"].endswith("@clinic.example") for person in people)
    appointments = [line["appointmentId"] for line in (*plan.appointments, *second.appointments)]
    assert len(set(appointments)) == len(appointments)


@pytest.mark.parametrize("asked", [{"doctors": 2}, {"patients": 20}])
def test_more_than_there_is_time_for_is_refused_with_what_would_do(asked: dict[str, int]) -> None:
    with pytest.raises(TooMany, match=r"more (DOCTORS|PATIENTS)"):
        Plan(batch(**asked))


@pytest.mark.parametrize(("doctors", "patients", "appointments"), [(1, 1, 1), (2, 5, 40), (13, 13, 300)])
def test_a_small_group_is_a_group_too(doctors: int, patients: int, appointments: int) -> None:
    small = Plan(batch(doctors=doctors, patients=patients, appointments=appointments))
    assert len(small.appointments) == appointments
