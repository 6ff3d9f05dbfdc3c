"""A backup is made while people work; after the restore it is that moment again, but for who was erased since."""

from pathlib import Path
from typing import Any

import pymongo

from devkit import backup, commands
from devkit.suite import Instance
from tests.client import Gateway, Person, eventually
from tests.clinic import book, bookable_doctor, slots

CANARY = "Quillfeather"


def holding(suite: Instance, *texts: str) -> set[str]:
    """Every collection of every database that holds one of the texts anywhere."""
    with pymongo.MongoClient[dict[str, Any]](suite.mongodb_uri) as client:
        return {
            f"{name}.{collection}"
            for name in client.list_database_names()
            for collection in client[name].list_collection_names()
            if name not in ("admin", "config", "local")
            if any(text in repr(document) for document in client[name][collection].find() for text in texts)
        }


def is_erased(admin: Person, user_id: str) -> bool:
    items = admin.get("/admin/erasures").expect(200).data["items"]
    return any(item["id"] == user_id and item["completedAt"] for item in items)


def appointments(person: Person) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = person.get("/appointments").expect(200).data["items"]
    return items


def refuses(person: Person) -> bool:
    """Whether neither token of the person's session is good for anything."""
    body = {"refreshToken": person.tokens["refreshToken"]}
    return person.get("/users/me").status == person.gateway.call("POST", "/auth/refresh", body).status == 401


def patient_who_leaves(gateway: Gateway, doctor: Person) -> Person:
    patient = gateway.sign_up(f"Zora {CANARY}")
    patient.put("/patients/me", {"conditions": [f"{CANARY} condition"]}).expect(200)
    wish = {"doctorId": doctor.id, "start": slots(gateway, doctor)[3]["start"], "reason": f"{CANARY} coughs"}
    patient.post("/appointments", wish).expect(201)
    return patient


def test_a_restore_is_the_backups_moment_and_the_erased_stay_erased(
    suite: Instance, gateway: Gateway, admin: Person, tmp_path: Path
) -> None:
    doctor = bookable_doctor(gateway, admin)
    staying, leaving = gateway.sign_up("Ann Lee"), patient_who_leaves(gateway, doctor)
    traces = (CANARY, leaving.email)
    book(staying, doctor, slots(gateway, doctor)[9]["start"]).expect(201)
    as_saved = appointments(staying)
    backup.save(suite, tmp_path / "backup")

    later = slots(gateway, doctor)[20]["start"]
    newcomer = gateway.sign_up("Bea Low")
    book(newcomer, doctor, later).expect(201)
    staying.post(f"/appointments/{as_saved[0]['id']}/cancel", {"reason": "Feels better"}).expect(200)
    leaving.call("DELETE", "/users/me", {"reason": "PRIVACY"}).expect(200)
    eventually("the erasure", lambda: is_erased(admin, leaving.id), seconds=60)
    assert holding(suite, *traces) == set()

    backup.restore(suite, tmp_path / "backup")

    # nobody of before is signed in, whether the backup knows the session or not
    assert [refuses(person) for person in (admin, doctor, staying, newcomer, leaving)] == [True] * 5
    newcomer.log_in().expect(401, "INVALID_CREDENTIALS")
    leaving.log_in().expect(401, "INVALID_CREDENTIALS")
    for person in (admin, doctor, staying):
        person.log_in().expect(200)
    assert holding(suite, *traces) == set()
    assert is_erased(admin, leaving.id)
    # it is as it was, and goes on from there
    assert appointments(staying) == as_saved
    book(staying, doctor, later).expect(201)
    newcomer = gateway.sign_up("Bea Low")
    assert book(newcomer, doctor, as_saved[0]["start"]).status == 409
    for service in ("user-service", "appointment-service"):
        eventually("no drift", lambda service=service: commands.drift(suite, service) == 0, seconds=30)
    assert [row.name for row in suite.status() if not row.healthy] == []
