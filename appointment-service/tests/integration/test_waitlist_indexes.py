"""Every question of the waitlist is answered from an index, however many wait elsewhere."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from chassis.clock import new_id
from devkit.profiling import assert_indexed, profiled
from devkit.testing import bearer

HALF_HOUR = timedelta(minutes=30)
WAITING = 20
ELSEWHERE = 3_000


@pytest.fixture
def crowd(alone_line: Any, noon: datetime) -> tuple[str, str]:
    """(doctor, patient): 20 wait for the doctor and the patient waits for 20, among 3,000 others and their holds."""
    database = alone_line.clinic.built.database
    doctor, patient = alone_line.clinic.doctor(), new_id()

    def place(number: int, **facts: Any) -> dict[str, Any]:
        status = ("WAITING", "OFFERED", "ACCEPTED", "LEFT")[number % 4]
        offer = {"appointmentId": new_id(), "start": noon, "end": noon + HALF_HOUR, "expiresAt": noon}
        return {
            "_id": new_id(),
            "doctorId": new_id(),
            "patientId": new_id(),
            "from": str(noon.date()),
            "to": str(noon.date() + timedelta(days=number % 300)),
            "status": status,
            "offer": offer if status == "OFFERED" else None,
            "appointmentId": None,
            "seen": [],
            "overAt": noon + timedelta(days=number % 300),
            "version": 1,
            "createdAt": noon - timedelta(days=9, minutes=number),
            "updatedAt": noon,
            "outbox": [],
        } | facts

    database["waitlist"].insert_many(
        [place(number) for number in range(ELSEWHERE)]
        + [place(4 * number, doctorId=doctor) for number in range(WAITING)]
        + [place(4 * number, patientId=patient) for number in range(WAITING)]
    )
    database["appointments"].insert_many(
        [
            {"_id": new_id(), "status": "HELD", "claims": [f"d:{number}:1", f"p:{number}:1"]}
            | {"doctorId": str(number), "patientId": str(number), "start": noon, "end": noon, "outbox": []}
            for number in range(ELSEWHERE)
        ]
    )
    return doctor, patient


def test_every_route(alone_line: Any, crowd: tuple[str, str], noon: datetime) -> None:
    line, (doctor, patient) = alone_line, crowd
    with profiled(line.clinic.built.database) as profile:
        mine = line.join(doctor, patient, noon.date()).json["data"]
        assert_indexed(profile.new(), examined=2)
        page = line.clinic.client.get("/api/v1/waitlist?limit=5", headers=bearer(patient)).json["data"]
        path = f"/api/v1/waitlist?limit=5&cursor={page['nextCursor']}"
        assert len(line.clinic.client.get(path, headers=bearer(patient)).json["data"]["items"]) == 5
        assert_indexed(profile.new(), examined=7)
        line.held(doctor, noon)
        (hold,) = line.holds(doctor)
        held = {"id": hold["offer"]["entryId"], "patientId": hold["patientId"]}
        profile.new()
        assert line.act("decline", held).status_code == 200
        assert_indexed(profile.new(), examined=WAITING + 1)
        (hold,) = line.holds(doctor)
        held = {"id": hold["offer"]["entryId"], "patientId": hold["patientId"]}
        profile.new()
        assert line.act("accept", held).status_code == 200
        assert_indexed(profile.new(), examined=2)
        assert line.leave(mine).status_code == 200
        assert_indexed(profile.new(), examined=1)


def test_what_frees_time(alone_line: Any, crowd: tuple[str, str], noon: datetime) -> None:
    doctor, _ = crowd
    with profiled(alone_line.clinic.built.database) as profile:
        assert alone_line.clinic.built.waitlist.awaited(doctor)
        assert not alone_line.clinic.built.waitlist.awaited(new_id())
        assert_indexed(profile.new(), examined=0)
        first = alone_line.clinic.built.database["waitlist"].find_one({"doctorId": doctor})["patientId"]
        profile.new()
        alone_line.held(doctor, noon, patient=first)
        assert_indexed(profile.new(), examined=WAITING)


def test_the_sweep(alone_line: Any, crowd: tuple[str, str], noon: datetime) -> None:
    waitlist = alone_line.clinic.built.waitlist
    with profiled(alone_line.clinic.built.database) as profile:
        alone_line.clinic.clock.shift = timedelta(days=60)
        assert waitlist.expire(10) == {"passedOn": 10, "tidied": 10}
        assert_indexed(profile.new(), examined=20)


@pytest.mark.parametrize("whose", [0, 1])
def test_events_about_people_and_an_export(alone_line: Any, crowd: tuple[str, str], whose: int) -> None:
    waitlist, database = alone_line.clinic.built.waitlist, alone_line.clinic.built.database
    with profiled(database) as profile:
        assert len(list(waitlist.exported(crowd[1]))) == WAITING
        database.transact(lambda session: waitlist.close(crowd[whose], session))
        database.transact(lambda session: waitlist.erase(crowd[whose], session))
        assert_indexed(profile.new(), examined=WAITING + 1)
    assert database["waitlist"].count_documents({"doctorId": crowd[0]}) == (0 if whose == 0 else WAITING)
