"""A canary in every text that can reach the service: after the erasure none is left in any collection."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from chassis.clock import new_id
from devkit.documents import everything_in
from devkit.testing import bearer

HALF_HOUR = timedelta(minutes=30)
ADMIN = bearer("boss", "admin", "Bo Canary", "boss@canary.example")


def lived(clinic: Any, patient: str, doctor: str, noon: datetime) -> None:
    """Every route and event that takes a text, with a canary of its own in it."""
    clinic.tell_doctor(doctor, 2, name="canary-name", specialty="canary-specialty")
    clinic.doctor(doctor, version=3)
    clinic.tell_verified(patient)
    who = [
        bearer(patient, name="canary-patient", email="canary@patient.example"),
        bearer(doctor, "doctor", "canary-doctor", "canary@doctor.example"),
        ADMIN,
    ]
    for number, canceller in enumerate(who):
        booked = clinic.booked(patient, doctor, noon + number * HALF_HOUR, reason=f"canary-visit-{number}")
        answer = clinic.act("cancel", booked, canceller, json={"reason": f"canary-cancel-{number}"})
        assert answer.status_code == 200
    done = clinic.booked(patient, doctor, noon + 3 * HALF_HOUR, reason="canary-done")
    assert clinic.act("complete", done, bearer(doctor, "doctor")).status_code == 200
    body = {"doctorId": doctor, "start": str(noon + 4 * HALF_HOUR), "reason": "canary-to-come"}
    keyed = {**who[0], "Idempotency-Key": "canary-key"}
    assert clinic.client.post("/api/v1/appointments", json=body, headers=keyed).status_code == 201
    for person in who[:2]:
        assert clinic.client.post("/api/v1/calendar/feed", headers=person).status_code == 201
    dates = {"from": str(noon.date()), "to": str(noon.date())}
    assert clinic.client.post(f"/api/v1/doctors/{doctor}/waitlist", json=dates, headers=who[0]).status_code == 201


@pytest.mark.parametrize("role", ["patient", "doctor"])
def test_no_canary_survives_whoever_of_the_two_is_erased(alone: Any, noon: datetime, role: str) -> None:
    doctor, patient = alone.doctor(), new_id()
    lived(alone, patient, doctor, noon)
    kept = everything_in(alone.built.database)
    assert kept.count("canary") == 9, "each reason is kept, one in an answer too, and no name"
    gone = patient if role == "patient" else doctor
    alone.tell("user-deleted", gone, 6, role)
    assert "canary" not in everything_in(alone.built.database)
    after = everything_in(alone.built.database)

    # late, in any order
    alone.tell_doctor(doctor if role == "doctor" else gone, 9, name="canary-late")
    alone.tell_verified(gone)
    for version, kind in enumerate(("suspended", "reinstated", "deactivated", "recovered"), 7):
        alone.tell(f"user-{kind}", gone, version, role)
    assert everything_in(alone.built.database) == after


def test_an_erasure_that_is_announced_anew_is_answered_anew_and_changes_nothing(alone: Any, noon: datetime) -> None:
    doctor, patient = alone.doctor(), new_id()
    lived(alone, patient, doctor, noon)
    alone.tell("user-deleted", patient, 6)
    appointments = list(alone.built.database["appointments"].find())
    alone.tell("user-deleted", patient, 6)
    assert list(alone.built.database["appointments"].find()) == appointments
    tombstone = alone.built.database["tombstones"].find_one({"_id": patient})
    assert [receipt["type"] for receipt in tombstone["outbox"]] == ["user-data-erased"] * 2
    assert len({receipt["id"] for receipt in tombstone["outbox"]}) == 2


def test_the_ids_that_stay_are_those_that_keep_the_person_from_coming_back(alone: Any, noon: datetime) -> None:
    doctor, patient = alone.doctor(), new_id()
    lived(alone, patient, doctor, noon)
    for gone in (patient, doctor, "boss"):
        alone.tell("user-deleted", gone, 6)
    database = alone.built.database
    # what the relay has published is gone from there
    for name in database.db.list_collection_names():
        database[name].update_many({}, {"$unset": {"outbox": ""}})
    for gone in (patient, doctor, "boss"):
        holding = {name for name in database.db.list_collection_names() if gone in repr(list(database[name].find()))}
        assert holding == {"calendars", "tombstones"}
        assert set(database["calendars"].find_one({"_id": gone})) <= {
            "_id",
            "accountActive",
            "accountVersion",
            "version",
            "sweepAt",
        }
