"""Waiting for a doctor's time: who is in line, what is held for whom, and how it passes on."""

from datetime import datetime, timedelta
from typing import Any

from chassis.clock import new_id
from devkit.testing import bearer


def test_a_freed_slot_is_offered_and_accepted(clinic: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    dates = {"from": noon.date().isoformat(), "to": noon.date().isoformat()}
    r = clinic.client.post(f"/api/v1/doctors/{doctor}/waitlist", json=dates, headers=bearer(patient))
    assert r.status_code == 201, r.text
    from appointment_service.service.waitlist import Freed

    clinic.built.database.transact(
        lambda s: clinic.built.waitlist.hold([Freed(doctor, noon, noon + timedelta(minutes=30))], s)
    )
    r = clinic.client.get("/api/v1/waitlist", headers=bearer(patient)).json["data"]["items"]
    print(r)
    r = clinic.client.post(f"/api/v1/waitlist/{r[0]['id']}/accept", headers=bearer(patient))
    print(r.json)
    assert r.status_code == 200
