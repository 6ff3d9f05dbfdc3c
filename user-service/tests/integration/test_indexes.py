"""Every query of every route and use case uses an index, as the database itself recorded it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from chassis.clock import new_id, now
from chassis.rpc import RpcClient
from devkit.testing import bearer
from user_service import events, store
from user_service.app import create_app
from user_service.bootstrap import Built, make_service

ADMIN = bearer("boss", "admin", "Bo Oss", "boss@clinic.example")
Explained = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def client(fresh: Built) -> FlaskClient:
    app = create_app(fresh)
    app.testing = True
    return app.test_client()


@pytest.fixture
def recorded(fresh: Built) -> Iterator[Explained]:
    """What the profiler recorded of queries and writes since the test began."""
    started = now() - timedelta(seconds=20)
    users = [
        {
            "_id": new_id(),
            "email": f"user{number}@clinic.example",
            "search": [f"name {number}", f"user{number}@clinic.example"],
            "name": f"Name {number}",
            "role": "doctor" if number % 3 == 0 else "patient",
            "status": {0: "DELETED", 1: "SUSPENDED"}.get(number % 10, "ACTIVE"),
            "scheduledDeletionAt": started if number % 20 == 0 else started + timedelta(days=1),
            "createdAt": started + timedelta(milliseconds=number),
            "updatedAt": started,
            "version": 1,
            "closedAt": started if number % 10 < 2 else None,
            **dict.fromkeys(("phone", "avatarUrl", "locale", "timezone", "deletion", "suspension")),
            "emailVerified": False,
        }
        for number in range(300)
    ]
    fresh.database["users"].insert_many(users)
    fresh.database.db.command("profile", 2)
    names = [f"{fresh.database.db.name}.{name}" for name in store.INDEXES if name != "inbox"]

    def read() -> list[dict[str, Any]]:
        return list(fresh.database["system.profile"].find({"ns": {"$in": names}, "planSummary": {"$exists": True}}))

    yield read
    fresh.database.db.command("profile", 0)


def is_served_by_index(record: dict[str, Any]) -> bool:
    # EOF: the collection is made with its first document
    return record["planSummary"].startswith(("IXSCAN", "IDHACK", "EOF"))


@pytest.mark.parametrize("status", [None, "DELETED", "SUSPENDED"])
@pytest.mark.parametrize("role", [None, "doctor"])
@pytest.mark.parametrize("q", [None, "user"])
def test_the_list_of_users(
    client: FlaskClient, recorded: Explained, status: str | None, role: str | None, q: str | None
) -> None:
    query = {key: value for key, value in (("status", status), ("role", role), ("q", q)) if value}
    first = client.get("/api/v1/admin/users", query_string={**query, "limit": 3}, headers=ADMIN)
    cursor = first.json["data"]["nextCursor"]
    assert cursor
    second = client.get("/api/v1/admin/users", query_string={**query, "limit": 3, "cursor": cursor}, headers=ADMIN)
    assert second.status_code == 200
    # beside the lists there is only the admin's own account, by its id
    records = [record for record in recorded() if "sort" in record["command"]]
    assert len(records) == 2
    for record in records:
        assert is_served_by_index(record), record["planSummary"]
        if q is None:
            # in order from the index: a page costs what it holds, however many users there are
            assert not record.get("hasSortStage"), record
            assert record["docsExamined"] <= 5, record
            assert record["keysExamined"] <= 20, record


def test_the_search_for_due_accounts(fresh: Built, recorded: Explained) -> None:
    assert fresh.service.erasures.purge_due(3) == 3
    search = next(record for record in recorded() if record["op"] == "query" and "scheduledDeletionAt" in str(record))
    assert search["planSummary"] == "IXSCAN { scheduledDeletionAt: 1 }"
    assert search["docsExamined"] <= 3


def test_all_that_an_account_goes_through(
    client: FlaskClient, fresh: Built, recorded: Explained, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, patient = new_id(), new_id()
    transact = fresh.database.transact
    for user_id in (doctor, patient):
        client.get("/api/v1/users/me", headers=bearer(user_id))
    client.patch("/api/v1/users/me", json={"name": "Ann"}, headers=bearer(patient))
    relation = events.AppointmentChanged(appointment_id=new_id(), doctor_id=doctor, patient_id=patient, version=1)
    transact(lambda session: fresh.service.relations.relate(relation, cancelled=False, session=session))
    fresh.service.accounts.contact(patient)
    client.put("/api/v1/patients/me", json={}, headers=bearer(patient))
    verified = events.EmailVerified(user_id=patient)
    transact(lambda session: fresh.service.profiles.email_verified(verified, session))
    monkeypatch.setattr(RpcClient, "call", lambda *_, **__: {})
    assert client.get("/api/v1/users/me/export", headers=bearer(patient)).status_code == 200
    for what, body in (("suspend", {"reason": "Spam."}), ("reinstate", None)):
        path = f"/api/v1/admin/users/{patient}/{what}"
        assert client.post(path, json=body, headers=ADMIN).status_code == 200
    client.delete("/api/v1/users/me", json={"reason": "OTHER"}, headers=bearer(patient))
    client.get("/internal/closures")
    fresh.service.erasures.purge_due(100)
    make_service(fresh.config, fresh.database, lambda: now() + timedelta(hours=1)).erasures.reannounce_late(3)
    receipt = events.UserDataErased(user_id=patient, erased_at=now())
    for service in events.HOLDERS:
        transact(lambda session, service=service: fresh.service.erasures.receipt(service, receipt, session))
    for query in ({}, {"open": "true"}, {"open": "false"}):
        assert client.get("/api/v1/admin/erasures", query_string=query, headers=ADMIN).status_code == 200
    records = recorded()
    assert len(records) > 20
    assert {(r["ns"].split(".")[1], r["op"], r["planSummary"]) for r in records if not is_served_by_index(r)} == set()
