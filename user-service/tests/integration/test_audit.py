"""The audit: kept once, never changed, told to admins and to the person that it is about."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product
from threading import Event
from typing import Any

import pytest
from flask.testing import FlaskClient

from chassis.clock import new_id, now
from chassis.identity import Identity
from devkit.testing import bearer
from user_service import events
from user_service.app import create_app
from user_service.bootstrap import Built
from user_service.domain import DeletionReason
from user_service.store.audit import Entries

AUDIT = "/api/v1/admin/audit"
ME = "/api/v1/users/me"
LOG = f"{ME}/access-log"
ADMIN = bearer("boss", "admin", "Bo Oss", "boss@clinic.example")
THEN = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def clinic(fresh: Built) -> FlaskClient:
    """An empty audit."""
    app = create_app(fresh)
    app.testing = True
    return app.test_client()


def told(**fields: Any) -> events.AuditRecorded:
    plain = {"entry_id": new_id(), "at": THEN, "action": "session.opened", "refused_for": None, "address": None}
    people = dict.fromkeys(("actor_id", "actor_role", "subject_id", "object_id"))
    return events.AuditRecorded.model_validate({**plain, **people, **fields})


def receive(built: Built, source: str = "auth-service", **fields: Any) -> str:
    event = told(**fields)
    built.database.transact(lambda session: built.service.audit.recorded(source, event, session))
    return event.entry_id


def entry(built: Built, entry_id: str) -> dict[str, Any]:
    found = built.database["audit"].find_one({"_id": entry_id})
    assert found
    return found


def pages(client: FlaskClient, path: str, headers: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    for _ in range(20):
        answer = client.get(path, query_string={**query, **cursor}, headers=headers)
        assert answer.status_code == 200, answer.json
        found += answer.json["data"]["items"]
        if answer.json["data"]["nextCursor"] is None:
            return found
        cursor = {"cursor": answer.json["data"]["nextCursor"]}
    raise AssertionError("the pages do not end")


def listed(client: FlaskClient, **query: Any) -> list[str]:
    return [item["id"] for item in pages(client, AUDIT, ADMIN, **query)]


def erase(built: Built, who: Identity) -> None:
    built.service.accounts.delete(who, DeletionReason.OTHER, None)
    due = {"scheduledDeletionAt": now() - timedelta(seconds=1)}
    built.database["users"].update_one({"_id": who.user_id}, {"$set": due})
    assert built.service.erasures.purge_due(100) == 1


# keeping


def test_entries_are_added_and_read_and_never_changed() -> None:
    questions = {"listed", "by_others", "of_subject"}
    assert {name for name in vars(Entries) if not name.startswith("_")} == {"add", *questions, "forget_addresses"}


def test_an_entry_that_comes_again_with_other_words_stays_as_it_was(built: Built) -> None:
    entry_id = receive(built, actor_id="ann", address="203.0.113.7")
    before = entry(built, entry_id)
    receive(built, "doctor-service", entry_id=entry_id, actor_id="somebody else", action="doctor.approved")
    assert entry(built, entry_id) == before
    assert (before["actorId"], before["address"], before["source"]) == ("ann", "203.0.113.7", "auth-service")


def test_the_purge_clears_the_persons_addresses_and_keeps_the_entries(built: Built, who: Identity) -> None:
    built.service.profiles.own(who)
    parts = [{"actor_id": who.user_id}, {"subject_id": who.user_id}]
    theirs = [receive(built, **part, address="203.0.113.7") for part in parts]
    others = receive(built, actor_id="ann", subject_id="ann", address="203.0.113.8")
    erase(built, who)
    late = [receive(built, **part, address="203.0.113.7") for part in parts]
    assert [entry(built, entry_id)["address"] for entry_id in (*theirs, *late)] == [None] * 4
    assert entry(built, others)["address"] == "203.0.113.8"


def test_an_entry_that_races_the_purge_leaves_no_address(
    built: Built, who: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.service.profiles.own(who)
    writing, purged = Event(), Event()
    entries = built.service.audit._entries
    add = entries.add

    def slow(document: dict[str, Any], session: Any = None) -> None:
        if document["source"] != "user-service":
            writing.set()
            # a purge that this entry does not hold up comes through meanwhile
            purged.wait(0.3)
        add(document, session)

    def purge() -> None:
        assert writing.wait(5)
        erase(built, who)
        purged.set()

    monkeypatch.setattr(entries, "add", slow)
    with ThreadPoolExecutor(1) as pool:
        purging = pool.submit(purge)
        left = receive(built, actor_id=who.user_id, subject_id=who.user_id, address="203.0.113.7")
        purging.result()
    assert entry(built, left)["address"] is None


# what admins see


def test_the_audit_is_told_newest_first_without_gap_or_repetition(
    client: FlaskClient, built: Built, user_id: str
) -> None:
    # several within one millisecond: the id decides
    moments = [THEN + timedelta(milliseconds=number // 3) for number in range(8)]
    made = sorted(((at, receive(built, at=at, actor_id=user_id)) for at in moments), reverse=True)
    for size in (1, 2, 3, 8, 100):
        assert listed(client, actorId=user_id, limit=size) == [entry_id for _, entry_id in made]


def test_the_audit_is_filtered_by_who_to_whom_what_and_when(clinic: FlaskClient, fresh: Built) -> None:
    kinds = list(product(("ann", "bea"), ("ann", "cem", None), ("patient.read", "session.opened")))
    made = {
        kind: receive(fresh, at=THEN + timedelta(hours=hour), actor_id=kind[0], subject_id=kind[1], action=kind[2])
        for hour, kind in enumerate(kinds)
    }
    newest_first = list(made.items())[::-1]
    for actor, subject, action in product(("ann", None), ("cem", None), ("patient.read", None)):
        wanted = {"actorId": actor, "subjectId": subject, "action": action}
        query = {field: value for field, value in wanted.items() if value}
        expected = [
            entry_id
            for kind, entry_id in newest_first
            if all(value in (None, had) for value, had in zip(wanted.values(), kind, strict=True))
        ]
        assert listed(clinic, limit=2, **query) == expected, query
    third, fifth = "2026-03-01T02:00:00Z", "2026-03-01T04:00:00Z"
    between = [entry_id for _, entry_id in list(made.items())[2:4][::-1]]
    assert listed(clinic, **{"from": third, "to": fifth, "limit": 1}) == between
    assert listed(clinic, **{"from": fifth, "to": third}) == []


def test_an_entry_tells_ids_alone(client: FlaskClient, built: Built, user_id: str) -> None:
    receive(
        built,
        actor_id=user_id,
        actor_role="patient",
        subject_id=user_id,
        object_id="a-session",
        address="203.0.113.7",
        refused_for="INVALID_CREDENTIALS",
        action="session.refused",
    )
    [item] = pages(client, AUDIT, ADMIN, subjectId=user_id)
    assert item.pop("id")
    assert item == {
        "at": "2026-03-01T00:00:00Z",
        "action": "session.refused",
        "refusedFor": "INVALID_CREDENTIALS",
        "actorId": user_id,
        "actorRole": "patient",
        "subjectId": user_id,
        "objectId": "a-session",
        "address": "203.0.113.7",
        "requestId": None,
        "source": "auth-service",
    }


def test_reading_the_audit_is_not_in_the_audit(client: FlaskClient, built: Built, user_id: str) -> None:
    assert pages(client, AUDIT, bearer(user_id, "admin"), actorId=user_id) == []
    assert built.database["audit"].count_documents({"actorId": user_id}) == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"actorId": ""}, "actorId"),
        ({"actorId[$ne]": "x"}, "actorId[$ne]"),
        ({"subjectId": "a b"}, "subjectId"),
        ({"action": "patient"}, "action"),
        ({"from": "2026-03-01"}, "from"),
        ({"to": "1772323200"}, "to"),
        ({"cursor": "WzEsMl0"}, "cursor"),
        ({"since": "2026-03-01T00:00:00Z"}, "since"),
    ],
)
def test_bad_parameters_are_named(client: FlaskClient, query: dict[str, str], field: str) -> None:
    answer = client.get(AUDIT, query_string=query, headers=ADMIN)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_only_an_admin_whose_account_is_open_reads_the_audit(client: FlaskClient, built: Built) -> None:
    for role in ("patient", "doctor"):
        assert client.get(AUDIT, headers=bearer(new_id(), role)).status_code == 403
    closed = new_id()
    assert client.get(ME, headers=bearer(closed, "admin")).status_code == 200
    built.database["users"].update_one({"_id": closed}, {"$set": {"status": "SUSPENDED"}})
    answer = client.get(AUDIT, headers=bearer(closed, "admin"))
    assert (answer.status_code, answer.json["code"]) == (403, "ACCOUNT_SUSPENDED")


# what a person sees


def test_a_person_sees_what_others_did_and_by_what_name(client: FlaskClient, built: Built, user_id: str) -> None:
    doctor, unknown = new_id(), new_id()
    client.get(ME, headers=bearer(doctor, "doctor", "Ann Lee"))
    read = {"action": "patient.read", "subject_id": user_id, "actor_role": "doctor"}
    ids = [
        receive(built, at=THEN + timedelta(hours=hour), **fields)
        for hour, fields in enumerate(
            [
                {**read, "actor_id": doctor},
                {**read, "actor_id": unknown, "refused_for": "NOT_FOUND"},
                {"action": "session.refused", "subject_id": user_id, "address": "203.0.113.7"},
                # one's own doings, and what one did to others, are not what others did
                {"actor_id": user_id, "subject_id": user_id},
                {**read, "actor_id": user_id, "subject_id": doctor},
                {"actor_id": doctor, "subject_id": doctor},
            ]
        )
    ]
    for size in (1, 2, 100):
        items = pages(client, LOG, bearer(user_id), limit=size)
        assert [item["id"] for item in items] == ids[2::-1]
    assert items[2] == {
        "id": ids[0],
        "at": "2026-03-01T00:00:00Z",
        "action": "patient.read",
        "refusedFor": None,
        "actor": {"id": doctor, "role": "doctor", "name": "Ann Lee"},
        "objectId": None,
    }
    assert (items[1]["actor"], items[1]["refusedFor"]) == ({"id": unknown, "role": "doctor", "name": None}, "NOT_FOUND")
    assert items[0]["actor"] is None
    assert "203.0.113.7" not in repr(items)


def test_a_name_is_that_of_today(client: FlaskClient, built: Built, user_id: str) -> None:
    doctor = new_id()
    receive(built, actor_id=doctor, actor_role="doctor", subject_id=user_id)
    client.patch(ME, json={"name": "Ann Oh"}, headers=bearer(doctor, "doctor", "Ann Lee"))
    [item] = pages(client, LOG, bearer(user_id))
    assert item["actor"]["name"] == "Ann Oh"


def test_a_closed_account_sees_no_log(client: FlaskClient, user_id: str) -> None:
    client.delete(ME, json={"reason": "OTHER"}, headers=bearer(user_id))
    answer = client.get(LOG, headers=bearer(user_id))
    assert (answer.status_code, answer.json["code"]) == (403, "ACCOUNT_DELETED")
    assert client.get(LOG).status_code == 401


# indexes


@pytest.fixture
def profiled(fresh: Built) -> Iterator[Any]:
    """A long audit; what the database itself recorded of each question, since the one before."""
    started = now()
    rows = [
        {
            **dict.fromkeys(("refusedFor", "actorRole", "objectId", "address")),
            "_id": new_id(),
            "at": started - timedelta(minutes=number),
            "action": ("patient.read", "session.opened", "session.refused")[number % 3],
            "actorId": f"user{number % 7}",
            "subjectId": f"user{number % 5}",
            "source": "auth-service",
        }
        for number in range(1050)
    ]
    fresh.database["audit"].insert_many(rows)
    fresh.database.db.command("profile", 2)

    def read() -> dict[str, Any]:
        recorded = fresh.database["system.profile"].find({"ns": f"{fresh.database.db.name}.audit", "op": "query"})
        return list(recorded.sort("ts", 1))[-1]

    yield read
    fresh.database.db.command("profile", 0)


def test_every_question_about_the_audit_is_answered_in_order_by_an_index(
    clinic: FlaskClient, fresh: Built, profiled: Any
) -> None:
    day = {"from": f"{now() - timedelta(hours=15):%Y-%m-%dT%H:%M:%SZ}", "to": f"{now():%Y-%m-%dT%H:%M:%SZ}"}
    questions = [
        (AUDIT, ADMIN, {**actor, **subject, **action, **when})
        for actor in ({}, {"actorId": "user3"})
        for subject in ({}, {"subjectId": "user2"})
        for action in ({}, {"action": "patient.read"})
        for when in ({}, day)
    ]
    for path, headers, query in [*questions, (LOG, bearer("user2"), {})]:
        cursor: dict[str, str] = {}
        for _ in range(2):
            answer = clinic.get(path, query_string={**query, **cursor, "limit": 2}, headers=headers)
            cursor = {"cursor": answer.json["data"]["nextCursor"]}
            record = profiled()
            assert record["planSummary"].startswith("IXSCAN"), (query, record["planSummary"])
            assert not record.get("hasSortStage"), (query, record["planSummary"])
            # what other filters leave out is seen in the index at the most, and of one person's entries alone
            assert record["docsExamined"] <= 4, (query, record["planSummary"], record["docsExamined"])
            assert record["keysExamined"] <= 210, (query, record["planSummary"], record["keysExamined"])
    fresh.service.audit._entries.of_subject("user3")
    fresh.database.transact(lambda session: fresh.service.audit._entries.forget_addresses("user3", session))
    records = fresh.database["system.profile"].find({"ns": f"{fresh.database.db.name}.audit", "op": {"$ne": "insert"}})
    assert {record["planSummary"][:6] for record in records} == {"IXSCAN"}
