"""A patient's record: who sees it, and who is seen to have looked."""

from typing import Any

from tests.client import Gateway, Person, eventually
from tests.clinic import book, bookable_doctor, slots

RECORD: dict[str, Any] = {
    "dateOfBirth": "1980-02-29",
    "sex": "female",
    "bloodGroup": "A-",
    "allergies": ["Penicillin"],
    "conditions": ["Asthma"],
    "medications": ["Salbutamol"],
    "emergencyContact": {"name": "Cem Aydin", "phone": "+41445550123", "relation": "brother"},
    "insurance": {"provider": "Helvetia Sana", "policyNumber": "HS-1980-77"},
}


def looks(admin: Person, patient: Person) -> list[tuple[str, str | None]]:
    """(who, refused for what) of each look at a patient's record, the newest first."""
    path = f"/admin/audit?subjectId={patient.id}&action=patient.read&limit=100"
    return [(item["actorId"], item["refusedFor"]) for item in admin.get(path).expect(200).data["items"]]


def test_a_record_is_seen_by_its_owner_by_who_treats_them_and_by_admins(gateway: Gateway, admin: Person) -> None:
    patient, stranger = gateway.sign_up("Ann Lee"), gateway.sign_up("Cem Aydin")
    doctor, another = bookable_doctor(gateway, admin), gateway.sign_up("Dan Oh", role="doctor")
    saved = patient.put("/patients/me", RECORD).expect(200)
    assert RECORD.items() <= saved.data.items()
    stale = patient.put("/patients/me", {}, headers={"If-Match": '"0"'}).expect(412, "VERSION_MISMATCH")
    assert "Asthma" not in str(stale.body)

    path = f"/patients/{patient.id}"
    doctor.get(path).expect(404)
    another.get(path).expect(404)
    stranger.get(path).expect(404)
    booked = book(patient, doctor, slots(gateway, doctor)[5]["start"]).expect(201).data
    shown = eventually("the doctor to see it", lambda: doctor.get(path).expect(200)).data
    assert RECORD.items() <= shown.items()
    assert RECORD.items() <= admin.get(path).expect(200).data.items()
    another.get(path).expect(404)

    patient.post(f"/appointments/{booked['id']}/cancel").expect(200)
    eventually("the doctor to see it no more", lambda: doctor.get(path).expect(404))


def test_a_patient_sees_who_looked(gateway: Gateway, admin: Person) -> None:
    patient = gateway.sign_up("Ann Lee")
    patient.put("/patients/me", RECORD).expect(200)
    doctor = gateway.sign_up("Dan Oh", role="doctor")
    doctor.get(f"/patients/{patient.id}").expect(404)
    admin.get(f"/patients/{patient.id}").expect(200)
    assert looks(admin, patient) == [(admin.id, None), (doctor.id, "NOT_FOUND")]

    def seen() -> list[tuple[str, str, str]]:
        log = patient.get("/users/me/access-log").expect(200).data["items"]
        return [(item["action"], item["actor"]["id"], item["actor"]["name"]) for item in log]

    name = admin.get("/users/me").expect(200).data["name"]
    expected = [("patient.read", admin.id, name), ("patient.read", doctor.id, "Dan Oh")]
    eventually("the names to be known", lambda: seen() == expected)
    doctor.get("/admin/audit").expect(403)


def test_what_admins_do_and_who_was_refused_is_in_the_audit(gateway: Gateway, admin: Person) -> None:
    doctor = bookable_doctor(gateway, admin)
    wrong = {"email": doctor.email, "password": "not his at all"}
    gateway.call("POST", "/auth/login", wrong).expect(401)
    admin.post(f"/admin/users/{doctor.id}/suspend", {"reason": "The licence has lapsed."}).expect(200)

    def actions() -> set[tuple[str, str | None, str | None]]:
        items = admin.get(f"/admin/audit?subjectId={doctor.id}&limit=100").expect(200).data["items"]
        return {(item["action"], item["actorId"], item["refusedFor"]) for item in items}

    expected = {
        ("doctor.approved", admin.id, None),
        ("account.suspended", admin.id, None),
        ("session.refused", None, "INVALID_CREDENTIALS"),
    }
    eventually("the audit", lambda: expected <= actions())
    assert "licence" not in str(admin.get(f"/admin/audit?subjectId={doctor.id}").body)
