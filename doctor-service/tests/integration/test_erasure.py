"""A canary in every text that can reach the service: after the erasure none is left in any collection."""

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from pymongo.client_session import ClientSession

from chassis.clock import new_id
from devkit.documents import everything_in
from devkit.testing import example
from doctor_service import events
from doctor_service.bootstrap import Built
from doctor_service.domain import Step

Make = Callable[..., Any]

PROFILE = {
    "specialty": "canary-specialty",
    "bio": "canary-bio",
    "qualifications": ["canary-qualification"],
    "languages": ["canary"],
    "fee": {"amount": 10, "currency": "EUR"},
    "clinic": {"name": "canary-clinic", "address": "canary-street", "city": "canary-city", "country": "FR"},
    "photoUrl": "https://canary.example/photo",
}
OVERRIDE = {"windows": [{"from": "10:00", "to": "12:00"}], "reason": "canary-override"}


@pytest.fixture(autouse=True)
def empty(built: Built) -> None:
    for name in ("doctors", "follows", "audit", "tombstones"):
        built.database[name].delete_many({})


def erase(built: Built, user_id: str) -> None:
    event = events.UserDeleted.model_validate(example("user-deleted", userId=user_id)["data"])
    built.database.transact(lambda session: built.doctors.user_deleted(event, session))


def lived(pending: Make, admin: Any, patient: Any) -> Any:
    """A doctor who has done all that a doctor can do, with a canary in every text, the admins' reasons too."""
    doctor = pending("Canary Name", **PROFILE)
    path = f"/admin/doctors/{doctor.id}"
    assert admin.call("POST", f"{path}/reject", {"reason": "canary-rejection"}).status_code == 200
    assert doctor.call("PATCH", "/doctors/me", {"bio": "canary-bio"}).status_code == 200
    assert admin.call("POST", f"{path}/approve").status_code == 200
    assert patient.call("PUT", f"/doctors/{doctor.id}/follow").status_code == 200
    assert doctor.call("PUT", "/doctors/me/availability/overrides/2031-04-09", OVERRIDE).status_code == 200
    assert admin.call("POST", f"{path}/suspend", {"reason": "canary-suspension"}).status_code == 200
    return doctor


def tell(built: Built, kind: str, user_id: str, version: int) -> None:
    shape, effect = {
        "user-updated": (events.UserUpdated, built.doctors.user_updated),
        "user-deactivated": (events.UserStatus, built.doctors.account_closed),
        "user-recovered": (events.UserStatus, built.doctors.account_opened),
        "user-suspended": (events.UserStatus, built.doctors.account_closed),
        "user-reinstated": (events.UserStatus, built.doctors.account_opened),
    }[kind]
    event = shape.model_validate(example(kind, userId=user_id, version=version)["data"])
    handle: Callable[..., None] = effect
    built.database.transact(lambda session: handle(event, session))


def test_no_canary_survives_a_doctors_erasure(pending: Make, admin: Any, patient: Any, built: Built) -> None:
    doctor = lived(pending, admin, patient)
    held = everything_in(built.database)
    for text in ("Name", "bio", "street", "override", "rejection", "suspension", "qualification"):
        assert f"anary-{text}" in held or f"Canary {text}" in held
    erase(built, doctor.id)
    after = everything_in(built.database)
    assert "canary" not in after.lower()
    # whoever decided on the doctor is still on record, which is all that the id is left in
    left = {
        name
        for name in built.database.db.list_collection_names()
        if doctor.id in repr(list(built.database[name].find()))
    }
    assert left == {"audit", "tombstones"}


def test_nothing_that_comes_late_brings_an_erased_doctor_back(
    pending: Make, admin: Any, patient: Any, built: Built
) -> None:
    doctor = lived(pending, admin, patient)
    erase(built, doctor.id)
    after = everything_in(built.database)
    for version, kind in enumerate(("updated", "suspended", "reinstated", "deactivated", "recovered"), 7):
        tell(built, f"user-{kind}", doctor.id, version)
    review = events.DoctorRated.model_validate(example("review-changed", doctorId=doctor.id)["data"])
    built.database.transact(lambda session: built.cards.doctor_rated(review, session))
    slot = events.NextAvailableChanged.model_validate(example("next-available-changed", doctorId=doctor.id)["data"])
    built.database.transact(lambda session: built.cards.next_available_changed(slot, session))
    assert doctor.call("PUT", "/doctors/me", PROFILE).status_code == 401
    assert admin.call("POST", f"/admin/doctors/{doctor.id}/reinstate").status_code == 404
    assert patient.call("PUT", f"/doctors/{doctor.id}/follow").status_code == 404
    assert everything_in(built.database) == after


def test_an_erasure_that_is_announced_anew_is_answered_anew_and_changes_nothing(
    listed: Make, patient: Any, anyone: Any, built: Built
) -> None:
    doctor = listed()
    patient.call("PUT", f"/doctors/{doctor.id}/follow")
    for receipts in (1, 2):
        erase(built, patient.id)
        tombstone = built.database["tombstones"].find_one({"_id": patient.id})
        assert tombstone
        assert [receipt["type"] for receipt in tombstone["outbox"]] == ["user-data-erased"] * receipts
        assert anyone.get(f"/doctors/{doctor.id}")["followers"] == 0


def test_an_erased_admin_is_in_no_doctors_history(listed: Make, admin: Any, person: Make, built: Built) -> None:
    doctor, other = listed(), person("admin")
    erase(built, admin.id)
    (held,) = other.get("/admin/doctors")["items"]
    assert [(line["status"], line["by"]) for line in held["moderationHistory"]] == [
        ("PENDING", doctor.id),
        ("APPROVED", None),
    ]
    # a decision that was made on the doctor as read before is made anew
    stale = other.call("POST", f"/admin/doctors/{doctor.id}/suspend", {"reason": "No."}, If_Match='"2"')
    assert stale.status_code == 412
    # and the admin whose token is still out decides nothing more
    refused = admin.call("POST", f"/admin/doctors/{doctor.id}/suspend", {"reason": "No."})
    assert (refused.status_code, refused.json["code"]) == (401, "TOKEN_INVALID")
    held = built.database["doctors"].find_one({"_id": doctor.id}, {"outbox": 0})
    assert admin.id not in repr(held)


def test_a_decision_that_is_made_during_its_admins_erasure_does_not_outlive_it(
    pending: Make, admin: Any, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor = pending()
    with built.database.client.start_session() as session:
        session.start_transaction()
        decide(built, doctor.id, admin.id, session, monkeypatch)
        erasure = Thread(target=erase, args=(built, admin.id))
        erasure.start()
        # an erasure that sees no conflict ends here; one that does repeats itself until the commit below
        erasure.join(1)
        session.commit_transaction()
        erasure.join()
    held = built.database["doctors"].find_one({"_id": doctor.id}, {"outbox": 0})
    assert admin.id not in repr(held)


def decide(built: Built, doctor_id: str, admin_id: str, session: ClientSession, patch: pytest.MonkeyPatch) -> None:
    """Approve, in a transaction that the caller holds open: the use case's own."""
    with patch.context() as held:
        held.setattr(built.doctors._database, "transact", lambda work: work(session))
        built.doctors.moderate(doctor_id, Step.APPROVED, admin_id, None, None)


def test_forgetting_an_admin_reads_only_what_that_admin_decided(listed: Make, admin: Any, built: Built) -> None:
    for _ in range(3):
        listed()
    erased = new_id()
    database = built.database.db
    database.command("profile", 2)
    erase(built, admin.id)
    erase(built, erased)
    database.command("profile", 0)
    writes = list(database["system.profile"].find({"ns": f"{database.name}.doctors", "op": "update"}))
    database.drop_collection("system.profile")
    for write in writes:
        assert "COLLSCAN" not in write["planSummary"]
    assert max(write.get("docsExamined", 0) for write in writes) == 3
