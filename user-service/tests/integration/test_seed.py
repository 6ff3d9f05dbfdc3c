"""Made-up users have their profile, their record, and doctors who may read it."""

from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from chassis.clock import instant_text, new_id, now
from chassis.seeding import Plan
from devkit.testing import bearer, write_plan
from user_service.bootstrap import Built
from user_service.seed import take


def person(role: str = "patient", **more: Any) -> dict[str, Any]:
    identifier = new_id()
    return {
        "userId": identifier,
        "email": f"{identifier}@clinic.example",
        "name": "Mia Keller",
        "role": role,
        "registeredAt": instant_text(now()),
        "emailVerified": True,
        "phone": "+41 44 555 123",
        "locale": "de-CH",
        "timezone": "Europe/Zurich",
        "status": "ACTIVE",
        "suspension": None,
        "record": {"allergies": ["Latex"], "conditions": [], "medications": [], "dateOfBirth": "1984-05-31"},
        "version": 3,
        **more,
    }


def appointment(doctor_id: str, patient_id: str, status: str) -> dict[str, Any]:
    return {
        "appointmentId": new_id(),
        "doctorId": doctor_id,
        "patientId": patient_id,
        "version": 3,
        "status": status,
        "start": instant_text(now()),
    }


def test_they_have_a_profile_and_a_record_that_their_doctors_read(
    built: Built, client: FlaskClient, tmp_path: Path
) -> None:
    admin, doctor = new_id(), new_id()
    suspension = {"reason": "Does not come.", "at": instant_text(now()), "by": admin}
    seen, stranger, closed = person(), person(), person(status="SUSPENDED", suspension=suspension, version=4)
    outcomes = {seen["userId"]: "COMPLETED", stranger["userId"]: "CANCELLED"}
    appointments = [appointment(doctor, *outcome) for outcome in outcomes.items()]
    plan = Plan(write_plan(tmp_path / "plan", people=[seen, stranger, closed], appointments=appointments))
    assert take(built, plan) == {"users": 3, "records": 3, "relations": 2}

    def get(path: str, user_id: str, role: str) -> Any:
        return client.get(f"/api/v1{path}", headers=bearer(user_id, role))

    me = get("/users/me", seen["userId"], "patient").json["data"]
    assert {name: me[name] for name in ("email", "timezone", "phone", "emailVerified", "version")} == {
        name: seen[name] for name in ("email", "timezone", "phone", "emailVerified", "version")
    }
    read = get(f"/patients/{seen['userId']}", doctor, "doctor").json["data"]
    assert (read["allergies"], read["dateOfBirth"], read["version"]) == (["Latex"], "1984-05-31", 1)
    assert get(f"/patients/{stranger['userId']}", doctor, "doctor").status_code == 404
    shown = get(f"/admin/users/{closed['userId']}", admin, "admin").json["data"]
    assert (shown["status"], shown["suspension"]["by"]) == ("SUSPENDED", admin)
    assert get("/users/me", closed["userId"], "patient").status_code == 403
    mine = {"_id": {"$in": [one["userId"] for one in (seen, stranger, closed)]}}
    assert all(one["outbox"] == [] for one in built.database["users"].find(mine))
