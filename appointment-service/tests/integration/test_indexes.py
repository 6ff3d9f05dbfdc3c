"""Every query of every route and use case is served by an index, as the database itself recorded it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from chassis.clock import new_id
from devkit.testing import bearer

ADMIN = bearer("boss", "admin", "Bo Oss", "boss@alone.example")
Crowd = tuple[str, str, list[str]]
Recorded = Callable[[], list[dict[str, Any]]]


def stored_appointment(number: int, doctor: str, patient: str, noon: datetime) -> dict[str, Any]:
    """One of many, with every fifth still active (at times of its own) and half of them long over."""
    start = noon + timedelta(minutes=30 * (number - 300))
    active = number % 5 == 0
    identifier = new_id()
    return {
        "_id": identifier,
        "doctorId": doctor,
        "patientId": patient,
        "start": start,
        "end": start + timedelta(minutes=30),
        "timezone": "UTC",
        "status": "BOOKED" if active else "CANCELLED",
        "version": 1,
        "reason": None,
        "cancellationNoticeMinutes": 0,
        "unattendedOutcome": "COMPLETED",
        **({"claims": [f"d:{identifier}:1"]} if active else {}),
        "history": [],
        "createdAt": noon,
        "updatedAt": noon,
        "outbox": [],
    }


@pytest.fixture
def crowd(alone: Any, noon: datetime) -> Crowd:
    """(doctor, patient, their appointments) among 600 appointments, of which they share 20."""
    doctor, patient = alone.doctor(), new_id()
    made = [
        stored_appointment(number, *((doctor, patient) if number % 30 == 0 else (new_id(), new_id())), noon)
        for number in range(600)
    ]
    alone.built.database["appointments"].insert_many(made)
    return doctor, patient, [item["_id"] for item in made if item["doctorId"] == doctor]


@pytest.fixture
def recorded(alone: Any, crowd: Crowd) -> Iterator[Recorded]:
    """What the profiler recorded of reads and writes since the test began."""
    database = alone.built.database
    database.db.command("profile", 2)

    def read() -> list[dict[str, Any]]:
        names = [f"{database.db.name}.{name}" for name in ("appointments", "calendars", "tombstones")]
        return list(database["system.profile"].find({"ns": {"$in": names}, "planSummary": {"$exists": True}}))

    yield read
    database.db.command("profile", 0)


def assert_indexed(records: list[dict[str, Any]], *, examined: int) -> None:
    """Each was answered from an index, in its order, and looked at no more documents than that.

    Keys may be more: to step over a gap is to look at one more key.
    """
    assert records, "nothing was recorded"
    for record in records:
        assert record["planSummary"].startswith(("IXSCAN", "IDHACK")), record["planSummary"]
        assert not record.get("hasSortStage"), record["planSummary"]
        assert record.get("docsExamined", 0) <= examined, record
        assert record.get("keysExamined", 0) <= 2 * examined, record


def test_slots(alone: Any, crowd: Crowd, recorded: Recorded) -> None:
    assert alone.client.get(f"/api/v1/doctors/{crowd[0]}/slots").status_code == 200
    assert_indexed(recorded(), examined=20)


def test_booking(alone: Any, crowd: Crowd, recorded: Recorded, noon: datetime) -> None:
    assert alone.book(new_id(), crowd[0], noon + timedelta(days=20)).status_code == 201
    assert_indexed(recorded(), examined=2)


@pytest.mark.parametrize("status", ["", "&status=BOOKED"])
@pytest.mark.parametrize("times", ["", "&from=2020-01-01&to=2090-01-01T00:00:00Z"])
def test_every_list(alone: Any, crowd: Crowd, recorded: Recorded, status: str, times: str) -> None:
    doctor, patient, _ = crowd
    lists = [
        (bearer(patient), ""),
        (bearer(patient), f"&doctorId={doctor}"),
        (bearer(doctor, "doctor"), ""),
        (bearer(doctor, "doctor"), f"&patientId={patient}"),
        (ADMIN, f"&patientId={patient}"),
        (ADMIN, f"&doctorId={doctor}"),
    ]
    for who, query in lists:
        path = f"/api/v1/appointments?limit=5{query}{status}{times}"
        page = alone.client.get(path, headers=who).json["data"]
        assert len(page["items"]) == 5 or status
        if page["nextCursor"]:
            alone.client.get(f"{path}&cursor={page['nextCursor']}", headers=who)
    assert_indexed(recorded(), examined=20)


def test_an_admins_page_looks_at_one_page(alone: Any, crowd: Crowd, recorded: Recorded, noon: datetime) -> None:
    # half of them at one and the same time
    ids = alone.built.database["appointments"].distinct("_id")[:300]
    alone.built.database["appointments"].update_many({"_id": {"$in": ids}}, {"$set": {"start": noon}})
    pages = 0
    for query in ("", "&from=2020-01-01&to=2090-01-01", "&status=CANCELLED"):
        cursor: str | None = ""
        while cursor is not None:
            page = alone.client.get(f"/api/v1/appointments?limit=50{query}{cursor}", headers=ADMIN).json["data"]
            cursor = page["nextCursor"] and f"&cursor={page['nextCursor']}"
            pages += 1
    assert pages == 12 + 12 + 10
    finds = [record for record in recorded() if record["op"] == "query"]
    assert len(finds) == pages
    assert_indexed(finds, examined=80)


def test_one_appointment_and_its_changes(alone: Any, crowd: Crowd, recorded: Recorded) -> None:
    doctor, patient, (first, second, *_) = crowd
    assert alone.client.get(f"/api/v1/appointments/{first}", headers=bearer(patient)).status_code == 200
    assert alone.act("cancel", {"id": first}, ADMIN).status_code == 200
    assert alone.act("complete", {"id": second}, bearer(doctor, "doctor")).status_code == 200
    assert_indexed(recorded(), examined=1)


def test_settling_what_is_over(alone: Any, crowd: Crowd, recorded: Recorded) -> None:
    assert alone.built.service.advance_due(10)["completed"] == 10
    assert_indexed(recorded(), examined=10)


@pytest.mark.parametrize("whose", [0, 1])
def test_events_about_people(alone: Any, crowd: Crowd, recorded: Recorded, whose: int) -> None:
    kinds = ("user-deactivated", "user-recovered", "user-suspended", "user-reinstated", "user-deleted")
    for version, kind in enumerate(kinds, 1):
        alone.tell(kind, crowd[whose], version, role="doctor")
        alone.tell_verified(crowd[whose])
    assert_indexed(recorded(), examined=20)


def test_looking_again_after_an_account_was_closed(alone: Any, crowd: Crowd, recorded: Recorded) -> None:
    alone.tell("user-deactivated", crowd[1], 1)
    alone.clock.shift = timedelta(minutes=2)
    # others who are known, and of whom nothing is due
    alone.built.database["calendars"].insert_many([{"_id": new_id()} for _ in range(300)])
    before = len(recorded())
    alone.built.people.sweep(10)
    assert_indexed(recorded()[before:], examined=20)


@pytest.mark.parametrize("whose", [0, 1])
def test_an_export(alone: Any, crowd: Crowd, recorded: Recorded, whose: int) -> None:
    assert len(list(alone.built.people.exported(crowd[whose]))) == 20
    assert_indexed(recorded(), examined=20)
