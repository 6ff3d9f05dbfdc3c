"""A deleted account past its window is purged by beat's schedule, and every service cleans up."""

from collections.abc import Iterator
from typing import Any

import pymongo
import pytest

from devkit.suite import Instance
from tests.client import Gateway, Person, eventually
from tests.clinic import book, bookable_doctor, slots

CANARY = "Zoraïda Quillfeather"


@pytest.fixture
def mongo(suite: Instance) -> Iterator[pymongo.MongoClient[dict[str, Any]]]:
    with pymongo.MongoClient[dict[str, Any]](suite.mongodb_uri) as client:
        yield client


def holding(mongo: pymongo.MongoClient[dict[str, Any]], *texts: str) -> list[str]:
    """Every collection of every service that holds one of the texts anywhere."""
    return [
        f"{database}.{collection}"
        for database in mongo.list_database_names()
        if database not in ("admin", "config", "local")
        for collection in mongo[database].list_collection_names()
        if any(text in repr(document) for document in mongo[database][collection].find() for text in texts)
    ]


def test_after_the_purge_nothing_of_the_person_is_left(
    gateway: Gateway, admin: Person, mongo: pymongo.MongoClient[dict[str, Any]]
) -> None:
    doctor = bookable_doctor(gateway, admin)
    patient = gateway.sign_up(CANARY)
    user_id = patient.id
    seen = book(patient, doctor, slots(gateway, doctor)[3]["start"]).expect(201).data
    doctor.post(f"/appointments/{seen['id']}/complete").expect(200)
    review = {"rating": 4, "comment": f"{CANARY} was here"}
    eventually("the review", lambda: patient.post(f"/appointments/{seen['id']}/review", review).expect(201))
    future = book(patient, doctor, slots(gateway, doctor)[9]["start"]).expect(201).data
    patient.put(f"/doctors/{doctor.id}/follow").expect(200)
    assert len(holding(mongo, CANARY, patient.email)) >= 3, "the search finds what is there"

    patient.call("DELETE", "/users/me", {"reason": "PRIVACY", "comment": CANARY}).expect(200)
    eventually(
        "the future appointment to be cancelled",
        lambda: doctor.get(f"/appointments/{future['id']}").data["status"] == "CANCELLED",
    )

    def erased() -> bool:
        items = admin.get("/admin/erasures?limit=100").expect(200).data["items"]
        return any(item["id"] == user_id and item["completedAt"] for item in items)

    eventually("the receipts of all services", erased, seconds=60)
    assert holding(mongo, CANARY, patient.email) == []
    # the bare id stays, so that no late event brings anything back: as a tombstone, on the erasure's record,
    # and where appointment-service notes that this account takes no part any more
    kept = {"tombstones", "erasures", "calendars"}
    assert {place.split(".")[1] for place in holding(mongo, user_id)} <= kept
    patient.log_in().expect(401, "INVALID_CREDENTIALS")
    assert patient.get("/users/me").status == 401
    assert gateway.call("GET", f"/doctors/{doctor.id}").data["followers"] == 0
    (shown,) = gateway.call("GET", f"/doctors/{doctor.id}/reviews").expect(200).data["items"]
    assert shown["rating"] == 4
    assert CANARY.split()[0] not in repr(shown)


def test_an_account_within_its_window_is_not_purged(gateway: Gateway, admin: Person) -> None:
    patient = gateway.sign_up("Ann Lee")
    patient.call("DELETE", "/users/me", {"reason": "OTHER"}).expect(200)
    eventually("the login to be refused", lambda: patient.log_in().expect(403, "ACCOUNT_DELETED"))
    run = admin.post("/admin/jobs/purge-accounts/run").expect(202).data

    def finished() -> bool:
        runs = admin.get("/admin/jobs/purge-accounts/runs?limit=100").expect(200).data["items"]
        return any(item["id"] == run["id"] and item["status"] == "SUCCEEDED" for item in runs)

    eventually("the job", finished)
    body = {"email": patient.email, "password": patient.password}
    patient.tokens = gateway.call("POST", "/auth/recover", body).expect(200).data
    assert patient.get("/users/me").expect(200).data["status"] == "ACTIVE"
