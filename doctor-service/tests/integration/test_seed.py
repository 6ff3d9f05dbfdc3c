"""Made-up doctors are as any others: found, moderated, followed, with hours."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from chassis.clock import instant_text, new_id, now
from chassis.seeding import Plan
from devkit.testing import write_plan
from doctor_service.bootstrap import Built
from doctor_service.seed import take

TERMS = {
    "timezone": "Europe/Zurich",
    "slotMinutes": 30,
    "bufferMinutes": 5,
    "minNoticeMinutes": 60,
    "horizonDays": 60,
    "cancellationNoticeMinutes": 720,
    "requiresConfirmation": False,
    "unattendedOutcome": "COMPLETED",
    "weekly": [{"weekday": "MON", "from": "08:00", "to": "12:00"}],
}
FEE = {"amount": 90.5, "currency": "CHF"}
DAY_OFF = {"date": "2026-08-03", "windows": []}


def doctor(status: str, by: str, **profile: Any) -> dict[str, Any]:
    decision = {"at": instant_text(now()), "by": by, "reason": "Blurred scan" if status == "REJECTED" else None}
    clinic = {"name": "Meridian", "address": "Seeweg 1", "city": f"Town {by}", "country": "CH"}
    return {
        "doctorId": new_id(),
        "version": 2 if status == "PENDING" else 3,
        "name": "Nina Keller",
        "moderationStatus": status,
        "visible": True,
        "accepting": True,
        "active": True,
        "calendar": {**TERMS, "overrides": [DAY_OFF]},
        "overrides": [{**DAY_OFF, "reason": "Holiday"}],
        "createdAt": instant_text(now()),
        "updatedAt": instant_text(now()),
        "decision": None if status == "PENDING" else decision,
        "profile": {
            "specialty": "Dermatology",
            "fee": FEE,
            "clinic": clinic,
            **profile,
        },
    }


def test_they_are_found_moderated_followed_and_have_hours(
    built: Built, anyone: Any, admin: Any, patient: Any, tmp_path: Path
) -> None:
    staff = [doctor(status, admin.id) for status in ("APPROVED", "PENDING", "REJECTED")]
    approved = staff[0]["doctorId"]
    follows = [{"patientId": patient.id, "doctorId": approved, "at": instant_text(now())}]
    plan = Plan(write_plan(tmp_path / "plan", doctors=staff, follows=follows))
    assert take(built, plan) == {"doctors": 3, "follows": 1}

    (found,) = anyone.get(f"/doctors?q=keller&city=Town {admin.id}")["items"]
    assert (found["id"], found["fee"], found["followers"]) == (approved, FEE, 1)
    assert anyone.get(f"/doctors/{approved}/availability") == TERMS
    assert [item["doctor"]["id"] for item in patient.get("/users/me/following")["items"]] == [approved]
    of_admin = {line["doctorId"]: built.doctors.any(line["doctorId"]) for line in staff}
    assert [one["moderationStatus"] for one in of_admin.values()] == ["APPROVED", "PENDING", "REJECTED"]
    assert [len(one["moderationHistory"]) for one in of_admin.values()] == [2, 1, 2]
    assert all(one["version"] == line["version"] for one, line in zip(of_admin.values(), staff, strict=True))
    # nobody is told of what was made up
    assert all(one["outbox"] == [] for one in built.database["doctors"].find({"_id": {"$in": list(of_admin)}}))
    # and the next change is like any other
    assert admin.call("POST", f"/admin/doctors/{staff[1]['doctorId']}/approve").status_code == 200
    assert patient.call("DELETE", f"/doctors/{approved}/follow").status_code == 200
    assert anyone.get(f"/doctors/{approved}")["followers"] == 0


def test_a_profile_that_nobody_could_send_is_not_taken(built: Built, admin: Any, tmp_path: Path) -> None:
    plan = Plan(write_plan(tmp_path / "plan", doctors=[doctor("APPROVED", admin.id, experienceYears=200)]))
    with pytest.raises(ValidationError):
        take(built, plan)
