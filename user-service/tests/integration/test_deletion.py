"""The end of an account: soft delete, recovery, purge, receipts."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, Event
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError
from werkzeug.test import TestResponse

from chassis.clock import new_id, now
from chassis.errors import AppError, NotFound
from chassis.identity import Identity
from devkit.testing import assert_valid, bearer
from devkit.waiting import holds_within
from user_service import events
from user_service.app import create_app
from user_service.bootstrap import Built, make_service
from user_service.domain import DeletionReason
from user_service.errors import AccountDeleted, NotDeleted, NotRecoverable
from user_service.store.audit import Entries

ME = "/api/v1/users/me"


def delete(client: FlaskClient, user_id: str, role: str = "patient", **body: Any) -> TestResponse:
    return client.delete(ME, json=body or {"reason": "PRIVACY"}, headers=bearer(user_id, role))


def user(built: Built, user_id: str) -> dict[str, Any] | None:
    return built.database["users"].find_one({"_id": user_id})


def announced(holder: dict[str, Any] | None) -> list[str]:
    assert holder
    for event in holder["outbox"]:
        assert_valid(event)
    return [event["type"] for event in holder["outbox"]]


def tombstone(built: Built, user_id: str) -> Any:
    return built.database["tombstones"].find_one({"_id": user_id})


def make_due(built: Built, user_id: str) -> None:
    past = now() - timedelta(seconds=1)
    built.database["users"].update_one({"_id": user_id}, {"$set": {"scheduledDeletionAt": past}})


def relate(built: Built, *, doctor: str, patient: str, version: int = 1, cancelled: bool = False, **more: str) -> str:
    appointment = more.get("appointment") or new_id()
    event = events.AppointmentChanged(appointment_id=appointment, doctor_id=doctor, patient_id=patient, version=version)
    built.database.transact(lambda session: built.service.relations.relate(event, cancelled=cancelled, session=session))
    return appointment


def receive(built: Built, user_id: str, service: str) -> None:
    event = events.UserDataErased(user_id=user_id, erased_at=now())
    built.database.transact(lambda session: built.service.erasures.receipt(service, event, session))


def erasure(built: Built, user_id: str) -> dict[str, Any]:
    found = built.database["erasures"].find_one({"_id": user_id})
    assert found
    return found


@pytest.fixture
def due_at_once(fresh: Built) -> FlaskClient:
    app = create_app(fresh)
    app.testing = True
    return app.test_client()


# soft delete


def test_a_deleted_account_can_be_recovered_for_thirty_days(client: FlaskClient, built: Built, user_id: str) -> None:
    answer = delete(client, user_id, reason="OTHER", comment="Moving away.")
    assert answer.status_code == 200
    document = user(built, user_id)
    assert document
    assert announced(document) == ["user-deactivated"]
    assert answer.json["data"]["status"] == document["status"] == "DELETED"
    assert timedelta(days=29.9) < document["scheduledDeletionAt"] - now() < timedelta(days=30.1)
    assert document["deletion"]["comment"] == "Moving away."
    assert document["closedAt"] == document["deletion"]["requestedAt"]


def test_a_deleted_account_is_closed_even_to_a_token_that_is_still_out(client: FlaskClient, user_id: str) -> None:
    until = delete(client, user_id).json["data"]["scheduledDeletionAt"]
    answers = (
        client.get(ME, headers=bearer(user_id)),
        client.patch(ME, json={"name": "Ann"}, headers=bearer(user_id)),
        delete(client, user_id),
    )
    for answer in answers:
        assert (answer.status_code, answer.json["code"]) == (403, "ACCOUNT_DELETED")
        assert answer.json["data"]["recoverableUntil"][:23] == until[:23]


@pytest.mark.parametrize("_", range(5))
def test_deleting_many_times_at_once_deletes_once(built: Built, user_id: str, who: Identity, _: int) -> None:
    built.service.profiles.own(who)
    barrier = Barrier(8)

    def enter(_: int) -> bool:
        barrier.wait()
        with suppress(AccountDeleted):
            built.service.accounts.delete(who, DeletionReason.OTHER, None)
            return True
        return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(enter, range(8))) == 1
    assert announced(user(built, user_id)) == ["user-deactivated"]


def test_an_admin_cannot_delete_itself(client: FlaskClient, user_id: str) -> None:
    answer = delete(client, user_id, role="admin")
    assert (answer.status_code, answer.json["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"comment": "x"}, "reason"),
        ({"reason": "BORED"}, "reason"),
        ({"reason": "OTHER", "comment": ""}, "comment"),
        ({"reason": "OTHER", "comment": "x" * 2001}, "comment"),
        ({"reason": "OTHER", "status": "ACTIVE"}, "status"),
    ],
)
def test_bad_fields_are_named(client: FlaskClient, user_id: str, body: dict[str, Any], field: str) -> None:
    answer = delete(client, user_id, **body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


# recovery


def test_a_recovered_account_is_as_it_was(client: FlaskClient, built: Built, user_id: str) -> None:
    delete(client, user_id)
    assert built.service.accounts.recover(user_id) == {"version": 3, "status": "ACTIVE"}
    document = user(built, user_id)
    assert document
    assert announced(document) == ["user-deactivated", "user-recovered"]
    assert (document["deletion"], document["scheduledDeletionAt"], document["closedAt"]) == (None, None, None)
    assert client.get(ME, headers=bearer(user_id)).status_code == 200


def refused(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(AppError) as refusal:
        call()
    return refusal.value.status, refusal.value.code


def test_what_is_not_deleted_cannot_be_recovered(client: FlaskClient, built: Built, user_id: str) -> None:
    assert refused(lambda: built.service.accounts.recover(user_id)) == (409, "NOT_DELETED")
    client.get(ME, headers=bearer(user_id))
    assert refused(lambda: built.service.accounts.recover(user_id)) == (409, "NOT_DELETED")


def test_past_its_window_an_account_is_gone_before_and_after_the_purge(
    client: FlaskClient, built: Built, user_id: str
) -> None:
    delete(client, user_id)
    make_due(built, user_id)
    assert refused(lambda: built.service.accounts.recover(user_id)) == (410, "NOT_RECOVERABLE")
    built.service.erasures.purge_due(100)
    assert refused(lambda: built.service.accounts.recover(user_id)) == (410, "NOT_RECOVERABLE")
    answer = client.get(ME, headers=bearer(user_id))
    assert (answer.status_code, answer.json["code"]) == (401, "TOKEN_INVALID")


# purge


def test_the_purge_erases_who_is_due_and_nobody_else(client: FlaskClient, built: Built) -> None:
    due, later, active = new_id(), new_id(), new_id()
    for user_id in (due, later):
        delete(client, user_id)
    client.get(ME, headers=bearer(active))
    make_due(built, due)
    theirs = relate(built, doctor=new_id(), patient=due)
    others = relate(built, doctor=active, patient=later)
    assert built.service.erasures.purge_due(100) == 1
    assert user(built, due) is None
    assert user(built, later)
    assert user(built, active)
    assert built.database["relations"].distinct("_id", {"_id": {"$in": [theirs, others]}}) == [others]
    assert announced(tombstone(built, due)) == ["user-deactivated", "user-deleted"]
    deactivated, purged = tombstone(built, due)["outbox"]
    # newer than all that was announced before
    assert purged["data"]["version"] > deactivated["data"]["version"]
    assert len(erasure(built, due)["awaiting"]) == 5


def test_a_profile_that_was_not_announced_yet_is_not_announced_after_the_purge(
    client: FlaskClient, built: Built, user_id: str
) -> None:
    client.patch(ME, json={"name": "Ada Canary"}, headers=bearer(user_id))
    delete(client, user_id, reason="OTHER", comment="Canary")
    make_due(built, user_id)
    built.service.erasures.purge_due(100)
    left = [list(built.database[name].find({"_id": user_id})) for name in ("users", "tombstones", "erasures")]
    assert "Canary" not in repr(left)
    assert f"{user_id}@" not in repr(left)


def test_a_window_may_be_a_fraction_of_a_day(due_at_once: FlaskClient, fresh: Built, user_id: str) -> None:
    delete(due_at_once, user_id)
    assert fresh.service.erasures.purge_due(100) == 1


def test_the_purge_takes_no_more_than_its_limit(due_at_once: FlaskClient, fresh: Built) -> None:
    for _ in range(5):
        delete(due_at_once, new_id())
    assert [fresh.service.erasures.purge_due(2) for _ in range(4)] == [2, 2, 1, 0]


def test_a_purge_that_breaks_off_has_erased_nothing(due_at_once: FlaskClient, fresh: Built, user_id: str) -> None:
    delete(due_at_once, user_id)
    relation = relate(fresh, doctor=new_id(), patient=user_id)
    fresh.database["erasures"].insert_one({"_id": user_id})
    with pytest.raises(DuplicateKeyError):
        fresh.service.erasures.purge_due(100)
    assert user(fresh, user_id)
    assert fresh.database["relations"].find_one({"_id": relation})
    assert tombstone(fresh, user_id) is None


def test_purges_at_once_purge_each_once(due_at_once: FlaskClient, fresh: Built) -> None:
    ids = [new_id() for _ in range(20)]
    for user_id in ids:
        delete(due_at_once, user_id)
    barrier = Barrier(6)

    def enter(_: int) -> int:
        barrier.wait()
        return fresh.service.erasures.purge_due(100)

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(enter, range(6))) == 20
    for user_id in ids:
        assert announced(tombstone(fresh, user_id)).count("user-deleted") == 1


@pytest.mark.parametrize("_", range(30))
def test_a_recovery_that_races_the_purge_wins_or_loses_wholly(
    client: FlaskClient, built: Built, user_id: str, _: int
) -> None:
    delete(client, user_id)
    document = user(built, user_id)
    assert document
    moment = document["scheduledDeletionAt"]
    # one process' clock says that there is time left, the other's that there is none
    early, late = (
        make_service(built.config, built.database, lambda now=now: now)
        for now in (moment - timedelta(seconds=1), moment)
    )
    barrier = Barrier(2)

    def recover() -> bool:
        barrier.wait()
        with suppress(NotRecoverable):
            early.accounts.recover(user_id)
            return True
        return False

    def purge() -> None:
        barrier.wait()
        late.erasures.purge_due(100)

    with ThreadPoolExecutor(2) as pool:
        recovering, purging = pool.submit(recover), pool.submit(purge)
        purging.result()
        recovered = recovering.result()
    present, buried = user(built, user_id), tombstone(built, user_id)
    if recovered:
        assert present is not None
        assert (present["status"], buried) == ("ACTIVE", None)
    else:
        assert present is None
        assert announced(buried) == ["user-deactivated", "user-deleted"]


# receipts


def test_an_erasure_is_complete_when_all_five_receipts_are_in(
    due_at_once: FlaskClient, fresh: Built, user_id: str
) -> None:
    delete(due_at_once, user_id)
    fresh.service.erasures.purge_due(100)
    *first, last = events.HOLDERS
    for service in first:
        receive(fresh, user_id, service)
        receive(fresh, user_id, service)
    assert (erasure(fresh, user_id)["awaiting"], erasure(fresh, user_id)["completedAt"]) == ([last], None)
    receive(fresh, user_id, last)
    complete = erasure(fresh, user_id)
    assert complete["completedAt"]
    assert set(complete["receipts"]) == set(events.HOLDERS)
    receive(fresh, user_id, last)
    assert erasure(fresh, user_id) == complete


def test_receipts_at_once_are_all_counted(due_at_once: FlaskClient, fresh: Built, user_id: str) -> None:
    delete(due_at_once, user_id)
    fresh.service.erasures.purge_due(100)
    barrier = Barrier(5)

    def enter(service: str) -> None:
        barrier.wait()
        receive(fresh, user_id, service)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(enter, events.HOLDERS))
    assert erasure(fresh, user_id)["awaiting"] == []
    assert erasure(fresh, user_id)["completedAt"]


def test_a_purge_while_an_appointments_event_is_handled_leaves_nothing_of_it(
    due_at_once: FlaskClient, fresh: Built, user_id: str
) -> None:
    delete(due_at_once, user_id)
    related, relation = Event(), {"doctor_id": new_id(), "patient_id": user_id, "appointment_id": new_id()}

    def handle(session: ClientSession) -> None:
        change = events.AppointmentChanged(**relation, version=1)
        fresh.service.relations.relate(change, cancelled=False, session=session)
        related.set()
        # long enough for the purge to get as far as it can before this commits
        holds_within(0.3, lambda: tombstone(fresh, user_id) is not None)

    with ThreadPoolExecutor(1) as pool:
        handling = pool.submit(fresh.database.transact, handle)
        assert related.wait(10)
        assert fresh.service.erasures.purge_due(100) == 1
        handling.result()
    assert fresh.database["relations"].count_documents({}) == 0


# what the audit says


def entered(built: Built, user_id: str) -> list[tuple[str, str | None, str | None]]:
    found = built.database["audit"].find({"subjectId": user_id}).sort([("at", 1), ("_id", 1)])
    return [(entry["action"], entry["actorId"], entry["actorRole"]) for entry in found]


def test_the_life_of_an_account_is_in_the_audit(client: FlaskClient, built: Built, user_id: str) -> None:
    delete(client, user_id)
    built.service.accounts.recover(user_id)
    delete(client, user_id)
    make_due(built, user_id)
    built.service.erasures.purge_due(100)
    assert entered(built, user_id) == [
        ("account.deactivated", user_id, "patient"),
        ("account.recovered", user_id, "patient"),
        ("account.deactivated", user_id, "patient"),
        ("account.purged", None, None),
    ]


def test_what_cannot_be_entered_is_not_done_and_what_is_not_done_is_not_entered(
    client: FlaskClient, built: Built, who: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.service.profiles.own(who)
    add = Entries.add

    def add_and_break(*args: Any) -> None:
        add(*args)
        raise RuntimeError("the transaction breaks off")

    monkeypatch.setattr(Entries, "add", add_and_break)
    with pytest.raises(RuntimeError):
        built.service.accounts.delete(who, DeletionReason.OTHER, None)
    document = user(built, who.user_id)
    assert document
    assert (document["status"], document["version"], entered(built, who.user_id)) == ("ACTIVE", 1, [])


# care relations and contact


def test_a_relation_follows_the_newest_version_in_whatever_order(built: Built) -> None:
    doctor, patient = new_id(), new_id()
    appointment = relate(built, doctor=doctor, patient=patient, version=2, cancelled=True)
    relate(built, doctor=doctor, patient=patient, version=1, appointment=appointment)
    relation = built.database["relations"].find_one({"_id": appointment})
    assert relation == {"_id": appointment, "doctorId": doctor, "patientId": patient, "version": 2, "cancelled": True}
    relate(built, doctor=doctor, patient=patient, version=3, appointment=appointment)
    relation = built.database["relations"].find_one({"_id": appointment})
    assert relation
    assert (relation["version"], relation["cancelled"]) == (3, False)


def test_no_relation_to_an_erased_person_is_kept(due_at_once: FlaskClient, fresh: Built, user_id: str) -> None:
    delete(due_at_once, user_id)
    fresh.service.erasures.purge_due(100)
    relate(fresh, doctor=user_id, patient=new_id())
    relate(fresh, doctor=new_id(), patient=user_id)
    assert fresh.database["relations"].count_documents({}) == 0


def test_a_persons_contact_tells_whether_to_write_at_all(client: FlaskClient, built: Built, user_id: str) -> None:
    with pytest.raises(NotFound):
        built.service.accounts.contact(user_id)
    client.patch(ME, json={"locale": "de"}, headers=bearer(user_id))
    contact = {"email": f"{user_id}@clinic.example", "name": "Pat Doe", "locale": "de", "timezone": None}
    assert built.service.accounts.contact(user_id) == {**contact, "status": "ACTIVE"}
    delete(client, user_id)
    assert built.service.accounts.contact(user_id)["status"] == "DELETED"


def test_an_account_that_is_not_deleted_is_not_deleted_by_recovering(built: Built) -> None:
    with pytest.raises(NotDeleted):
        built.service.accounts.recover(new_id())
