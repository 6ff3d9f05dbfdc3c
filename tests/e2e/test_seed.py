"""A clinic group that is made up is as good as one that came about: found, booked, signed in to, counted, in step."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from devkit.suite import Instance
from tests.client import Gateway, Person, eventually
from tests.e2e.test_projections import command
from tests.seed.people import Batch
from tests.seed.plan import PASSWORD, Plan
from tests.seed.run import Seeder, Wanted

WANTED = Wanted(doctors=8, patients=60, appointments=600)
SEED = 7


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _local_day(line: dict[str, Any]) -> str:
    return str(_instant(line["start"]).astimezone(ZoneInfo(line["timezone"])).date())


def test_a_made_up_group_is_found_booked_and_counted_and_every_copy_is_in_step(
    suite: Instance, gateway: Gateway, admin: Person
) -> None:
    at = datetime.now(UTC)
    seeder = Seeder(suite)
    assert seeder.run(WANTED, SEED, at) == WANTED
    # the same plan again, for what is to be expected
    plan = Plan(Batch(SEED, 0, at, *WANTED, admin_id=admin.id))

    doctors = {line["doctorId"]: line for line in plan.doctors}
    bookable = [one for one, line in doctors.items() if line["decision"] and line["visible"] and line["accepting"]]
    known = Counter(line["doctorId"] for line in plan.reviews)
    some = doctors[max(bookable, key=lambda one: known[one])]

    def card_of(doctor: dict[str, Any]) -> dict[str, Any] | None:
        """As it is found, once the next free slot was told."""
        query = f"q={doctor['name'].split()[0]}&city={doctor['clinic']['city']}&limit=100"
        found = gateway.call("GET", f"/doctors?{query}").expect(200).data["items"]
        return next((one for one in found if one["id"] == doctor["doctorId"] and one["nextAvailable"]), None)

    card = eventually("the doctor's card", lambda: card_of(some))
    reviews = [line["rating"] for line in plan.reviews if line["doctorId"] == card["id"]]
    assert (card["rating"]["count"], card["followers"]) == (
        len(reviews),
        sum(line["doctorId"] == card["id"] for line in plan.follows),
    )
    assert abs(card["rating"]["average"] - sum(reviews) / len(reviews)) < 0.01
    assert gateway.call("GET", f"/doctors/{card['id']}/rating").expect(200).data["count"] == len(reviews)

    # what is taken is not offered, and what is offered can be booked, by somebody made up
    first = at.date()
    path = f"/doctors/{card['id']}/slots?from={first}&to={first + timedelta(days=30)}"
    offered = {slot["start"] for slot in gateway.call("GET", path).expect(200).data["items"]}
    held = {
        _instant(line["start"])
        for line in plan.appointments
        if line["doctorId"] == card["id"] and line["status"] in ("BOOKED", "REQUESTED")
    }
    assert offered
    assert {_instant(start) for start in offered}.isdisjoint(held)
    busy = {line["patientId"] for line in plan.appointments if line["status"] in ("BOOKED", "REQUESTED")}
    patients = (one for one in plan.people if one["role"] == "patient" and one["status"] == "ACTIVE")
    someone = next(one for one in patients if one["userId"] not in busy)
    patient = gateway.log_in(someone["email"], PASSWORD)
    assert patient.get("/users/me").expect(200).data["name"] == someone["name"]
    mine = patient.get("/appointments?limit=100").expect(200).data["items"]
    assert len(mine) == sum(line["patientId"] == patient.id for line in plan.appointments)
    # it may have begun, or become too near, a moment ago
    assert card["nextAvailable"] <= min(offered)
    patient.post("/appointments", {"doctorId": card["id"], "start": max(offered)}).expect(201)

    # the figures add up to what was made up, but for what today has moved on since
    days = f"from={first - timedelta(days=360)}&to={first - timedelta(days=2)}"
    for doctor_id in bookable[:2]:
        doctor = gateway.log_in(next(one["email"] for one in plan.people if one["userId"] == doctor_id), PASSWORD)
        figures = doctor.get(f"/doctors/me/analytics?{days}").expect(200).data["totals"]
        begin, end = str(first - timedelta(days=360)), str(first - timedelta(days=2))
        expected = Counter(
            line["status"]
            for line in plan.appointments
            if line["doctorId"] == doctor_id and begin <= _local_day(line) <= end
        )
        assert {status: count for status, count in figures["counts"].items() if count} == expected
        assert 0 < figures["utilisation"] < 1

    # of others' tests this one knows nothing
    made_up = {one["userId"] for one in plan.people} | {line["appointmentId"] for line in plan.appointments}
    astray = command(suite, "check")[1]
    assert not {name: ids & made_up for name, ids in astray.items() if ids & made_up}

    # again, it adds nothing
    before = admin.get(f"/admin/users?q={someone['email']}").expect(200).data["items"]
    assert not any(seeder.run(WANTED, SEED, datetime.now(UTC)))
    assert admin.get(f"/admin/users?q={someone['email']}").expect(200).data["items"] == before
    assert not list((suite.folder / "seed").iterdir())
