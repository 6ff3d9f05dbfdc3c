"""A patient's record: written by its owner alone, read by who may, and never unseen."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import permutations
from threading import Barrier, Event
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.clock import new_id, now
from chassis.errors import TokenInvalid, ValidationFailed, VersionMismatch
from chassis.identity import Identity
from devkit.testing import bearer
from user_service import events
from user_service.bootstrap import Built, make_service
from user_service.domain import DeletionReason
from user_service.errors import AccountDeleted

PATIENTS = "/api/v1/patients"
MINE = f"{PATIENTS}/me"
ME = "/api/v1/users/me"
RECORD: dict[str, Any] = {
    "dateOfBirth": "1984-05-31",
    "sex": "female",
    "bloodGroup": "AB-",
    "allergies": ["Penicillin"],
    "conditions": ["Asthma"],
    "medications": ["Salbutamol 100 µg"],
    "emergencyContact": {"name": "Bea Lee", "phone": "044 555 01 23", "relation": "sister"},
    "insurance": {"provider": "Helvetia", "policyNumber": "756.1234.5678.97"},
}
EMPTY: dict[str, Any] = {
    **dict.fromkeys(("dateOfBirth", "sex", "bloodGroup", "emergencyContact", "insurance")),
    "allergies": [],
    "conditions": [],
    "medications": [],
}


def put(client: FlaskClient, user_id: str, record: Any, if_match: str | None = None) -> TestResponse:
    headers = bearer(user_id) | ({"If-Match": if_match} if if_match else {})
    return client.put(MINE, json=record, headers=headers)


def mine(client: FlaskClient, user_id: str) -> TestResponse:
    return client.get(MINE, headers=bearer(user_id))


def written(client: FlaskClient, role: str = "patient") -> str:
    """Somebody new, with a record if that is a patient."""
    user_id = new_id()
    if role == "patient":
        assert put(client, user_id, RECORD).status_code == 200
    else:
        assert client.get(ME, headers=bearer(user_id, role)).status_code == 200
    return user_id


def read(client: FlaskClient, reader: str, patient: str, role: str = "doctor") -> TestResponse:
    return client.get(f"{PATIENTS}/{patient}", headers=bearer(reader, role))


def told(built: Built, doctor: str, patient: str, appointment: str, version: int, *, cancelled: bool) -> None:
    event = events.AppointmentChanged(appointment_id=appointment, doctor_id=doctor, patient_id=patient, version=version)
    built.database.transact(lambda session: built.service.relations.relate(event, cancelled=cancelled, session=session))


def treats(built: Built, doctor: str, patient: str, *, cancelled: bool = False) -> str:
    appointment = new_id()
    told(built, doctor, patient, appointment, 1, cancelled=cancelled)
    return appointment


def leave(client: FlaskClient, user_id: str, role: str = "patient") -> None:
    answer = client.delete(ME, json={"reason": "OTHER"}, headers=bearer(user_id, role))
    assert answer.status_code == 200


def make_due(built: Built, user_id: str) -> None:
    past = now() - timedelta(seconds=1)
    built.database["users"].update_one({"_id": user_id}, {"$set": {"scheduledDeletionAt": past}})


def erase(client: FlaskClient, built: Built, user_id: str, role: str = "patient") -> None:
    leave(client, user_id, role)
    make_due(built, user_id)
    assert built.service.erasures.purge_due(100) >= 1


def set_status(built: Built, user_id: str, status: str) -> None:
    built.database["users"].update_one({"_id": user_id}, {"$set": {"status": status}})


def entries(built: Built, **wanted: Any) -> list[dict[str, Any]]:
    return list(built.database["audit"].find({"action": "patient.read", **wanted}))


# one's own record


def test_before_it_is_written_the_record_is_empty_and_its_version_zero(client: FlaskClient, user_id: str) -> None:
    answer = mine(client, user_id)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"0"')
    assert answer.json["data"] == {
        **EMPTY,
        "id": user_id,
        "name": "Pat Doe",
        "version": 0,
        "createdAt": None,
        "updatedAt": None,
    }


def test_a_written_record_is_read_back_as_it_was_written(client: FlaskClient, user_id: str) -> None:
    answer = put(client, user_id, RECORD)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    data = mine(client, user_id).json["data"]
    assert data == answer.json["data"]
    assert {key: data[key] for key in RECORD} == RECORD
    assert (data["id"], data["name"], data["version"]) == (user_id, "Pat Doe", 1)
    assert data["createdAt"] == data["updatedAt"]


def test_what_is_absent_is_empty_after_it(client: FlaskClient, user_id: str) -> None:
    first = put(client, user_id, RECORD).json["data"]
    data = put(client, user_id, {"sex": "unknown"}).json["data"]
    assert {key: data[key] for key in RECORD} == {**EMPTY, "sex": "unknown"}
    assert (data["version"], data["createdAt"]) == (2, first["createdAt"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dateOfBirth", "1899-12-31"),
        ("dateOfBirth", "2026-02-30"),
        ("dateOfBirth", "9999-12-31"),
        ("dateOfBirth", "1984-05-31T00:00:00Z"),
        ("dateOfBirth", "454809600"),
        ("dateOfBirth", 454809600),
        ("sex", "FEMALE"),
        ("bloodGroup", "C+"),
        ("bloodGroup", "AB"),
        ("allergies", None),
        ("allergies", "Penicillin"),
        ("allergies", ["x"] * 101),
        ("conditions.0", [" "]),
        ("conditions.1", ["x", "x" * 201]),
        ("medications.0", ["two\nlines"]),
        ("medications.0", [{"$gt": ""}]),
        ("emergencyContact.phone", {"phone": "call me"}),
        ("emergencyContact.email", {"email": "bea@clinic.example"}),
        ("insurance.policyNumber", {"policyNumber": ""}),
        ("id", "another"),
        ("version", 7),
        ("name", "Ann"),
    ],
)
def test_bad_fields_are_named(client: FlaskClient, user_id: str, field: str, value: Any) -> None:
    answer = put(client, user_id, {field.partition(".")[0]: value})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert mine(client, user_id).json["data"]["version"] == 0


def test_a_hundred_lines_of_two_hundred_letters_each_are_taken(client: FlaskClient, user_id: str) -> None:
    lines = ["\U0001f9ec" * 200] * 100
    assert put(client, user_id, dict.fromkeys(("allergies", "conditions", "medications"), lines)).status_code == 200


def test_nobody_is_born_on_a_day_that_has_begun_nowhere(built: Built, who: Identity) -> None:
    # in UTC it is the 1st still, in the Line Islands it is the 2nd already
    service = make_service(built.config, built.database, lambda: datetime(2026, 3, 1, 10, tzinfo=UTC))
    assert service.patients.replace(who, {**EMPTY, "dateOfBirth": "2026-03-02"}, None)["dateOfBirth"] == "2026-03-02"
    with pytest.raises(ValidationFailed):
        service.patients.replace(who, {**EMPTY, "dateOfBirth": "2026-03-03"}, None)


@pytest.mark.parametrize("role", ["doctor", "admin"])
def test_only_patients_have_a_record_of_their_own(client: FlaskClient, user_id: str, role: str) -> None:
    for answer in (
        client.get(MINE, headers=bearer(user_id, role)),
        client.put(MINE, json={}, headers=bearer(user_id, role)),
    ):
        assert (answer.status_code, answer.json["code"]) == (403, "FORBIDDEN")


# versions


def test_a_stale_version_is_refused(client: FlaskClient, user_id: str) -> None:
    assert put(client, user_id, RECORD, if_match='"0"').status_code == 200
    for stale in ('"0"', '"2"', '"never given"'):
        answer = put(client, user_id, {}, if_match=stale)
        assert (answer.status_code, answer.json["code"]) == (412, "VERSION_MISMATCH")
    assert put(client, user_id, {}, if_match='"1"').headers["ETag"] == '"2"'


def test_a_version_that_was_never_written_makes_no_record(client: FlaskClient, user_id: str) -> None:
    assert put(client, user_id, RECORD, if_match='"1"').status_code == 412
    assert mine(client, user_id).json["data"]["version"] == 0


def raced(built: Built, who: Identity, expected: int | None) -> list[str]:
    """Eight writers at once; what those wrote that were told that it was saved."""
    built.service.profiles.own(who)
    barrier = Barrier(8)

    def write(number: int) -> str | None:
        barrier.wait()
        with suppress(VersionMismatch):
            built.service.patients.replace(who, {**EMPTY, "allergies": [str(number)]}, expected)
            return str(number)
        return None

    with ThreadPoolExecutor(8) as pool:
        return [written for written in pool.map(write, range(8)) if written]


@pytest.mark.parametrize("version", [0, 1])
def test_of_racing_writers_of_one_version_one_is_saved_and_the_others_hear_it(
    client: FlaskClient, built: Built, who: Identity, version: int
) -> None:
    if version:
        put(client, who.user_id, RECORD)
    saved = raced(built, who, version)
    data = mine(client, who.user_id).json["data"]
    assert (data["allergies"], data["version"]) == (saved, version + 1)


def test_racing_first_writers_without_a_version_all_pass_one_after_the_other(
    client: FlaskClient, built: Built, who: Identity
) -> None:
    saved = raced(built, who, None)
    data = mine(client, who.user_id).json["data"]
    assert (len(saved), data["version"]) == (8, 8)
    assert data["allergies"][0] in saved


# accounts that are closed, or are being closed


def test_a_deleted_account_neither_reads_nor_writes_its_record(client: FlaskClient, user_id: str) -> None:
    put(client, user_id, RECORD)
    leave(client, user_id)
    for answer in (mine(client, user_id), put(client, user_id, {})):
        assert (answer.status_code, answer.json["code"]) == (403, "ACCOUNT_DELETED")


def test_a_suspended_account_neither_reads_nor_writes_its_record(
    client: FlaskClient, built: Built, user_id: str
) -> None:
    put(client, user_id, RECORD)
    set_status(built, user_id, "SUSPENDED")
    for answer in (mine(client, user_id), put(client, user_id, {})):
        assert (answer.status_code, answer.json["code"]) == (403, "ACCOUNT_SUSPENDED")


def test_a_purged_account_has_no_record_and_its_token_makes_none(
    client: FlaskClient, built: Built, user_id: str
) -> None:
    put(client, user_id, RECORD)
    erase(client, built, user_id)
    for answer in (mine(client, user_id), put(client, user_id, RECORD)):
        assert (answer.status_code, answer.json["code"]) == (401, "TOKEN_INVALID")
    assert built.database["patients"].find_one({"_id": user_id}) is None


def test_a_write_that_was_held_up_until_its_account_was_deleted_is_refused(
    fresh: Built, who: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = fresh.service
    transact = fresh.database.transact

    def held_up(work: Any) -> Any:
        monkeypatch.undo()
        service.accounts.delete(who, DeletionReason.OTHER, None)
        return transact(work)

    service.profiles.own(who)
    monkeypatch.setattr(fresh.database, "transact", held_up)
    with pytest.raises(AccountDeleted):
        service.patients.replace(who, RECORD, None)
    assert fresh.database["patients"].find_one({"_id": who.user_id}) is None


def test_a_write_that_races_the_purge_leaves_no_record(
    fresh: Built, who: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = fresh.service
    service.profiles.own(who)
    writing, purged = Event(), Event()
    replace = service.patients._patients.replace

    def slow(*arguments: Any) -> Any:
        writing.set()
        # a purge that this write does not hold up comes through meanwhile
        purged.wait(0.3)
        return replace(*arguments)

    def purge() -> None:
        assert writing.wait(5)
        service.accounts.delete(who, DeletionReason.OTHER, None)
        assert service.erasures.purge_due(100) == 1
        purged.set()

    monkeypatch.setattr(service.patients._patients, "replace", slow)
    with ThreadPoolExecutor(1) as pool:
        purging = pool.submit(purge)
        with suppress(AccountDeleted, TokenInvalid):
            service.patients.replace(who, RECORD, None)
        purging.result()
    assert fresh.database["erasures"].find_one({"_id": who.user_id})
    assert fresh.database["patients"].find_one({"_id": who.user_id}) is None


# who reads another's


def test_who_treats_a_patient_reads_the_record_and_is_in_the_audit(client: FlaskClient, built: Built) -> None:
    patient, doctor = written(client), written(client, "doctor")
    treats(built, doctor, patient)
    answer = read(client, doctor, patient)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert answer.json["data"] == mine(client, patient).json["data"]
    [entry] = entries(built, subjectId=patient)
    assert (entry["actorId"], entry["actorRole"], entry["refusedFor"]) == (doctor, "doctor", None)
    assert (entry["source"], entry["requestId"]) == ("user-service", answer.headers["X-Request-Id"])


def test_admins_read_every_patients_record_the_deactivated_and_the_unwritten_too(
    client: FlaskClient, built: Built
) -> None:
    gone, unwritten = written(client), new_id()
    leave(client, gone)
    mine(client, unwritten)
    assert read(client, "boss", gone, "admin").json["data"]["allergies"] == ["Penicillin"]
    assert read(client, "boss", unwritten, "admin").json["data"]["version"] == 0
    assert len(entries(built, actorId="boss", subjectId={"$in": [gone, unwritten]}, refusedFor=None)) == 2


def test_a_suspended_patient_is_still_treated(client: FlaskClient, built: Built) -> None:
    patient, doctor = written(client), new_id()
    treats(built, doctor, patient)
    set_status(built, patient, "SUSPENDED")
    assert read(client, doctor, patient).status_code == 200


def test_whom_it_is_not_shown_to_cannot_tell_why(client: FlaskClient, built: Built) -> None:
    doctor, patient, cancelled, deactivated, erased = (written(client, "doctor"), *(written(client) for _ in range(4)))
    for other in (deactivated, erased):
        treats(built, doctor, other)
    treats(built, doctor, cancelled, cancelled=True)
    # another doctor's patient, and another patient of the doctor
    treats(built, new_id(), patient)
    treats(built, doctor, written(client))
    # whoever an event names as the doctor: a patient reads nobody's
    treats(built, cancelled, patient)
    leave(client, deactivated)
    erase(client, built, erased)
    answers = [read(client, doctor, id) for id in (patient, cancelled, deactivated, erased, doctor, new_id())]
    answers.append(read(client, patient, patient, "patient"))
    answers.append(read(client, cancelled, patient, "patient"))
    answers.append(read(client, "boss", doctor, "admin"))
    answers.append(read(client, "boss", erased, "admin"))
    assert {answer.status_code for answer in answers} == {404}
    told = [{**answer.json, "requestId": ""} for answer in answers]
    assert all(body == told[0] for body in told)
    refused = {entry["subjectId"] for entry in entries(built, actorId=doctor, refusedFor="NOT_FOUND")}
    assert refused == {patient, cancelled, deactivated, erased, doctor, None}
    assert entries(built, actorId=cancelled, subjectId=patient, refusedFor="NOT_FOUND")


@pytest.mark.parametrize("role", ["doctor", "admin"])
@pytest.mark.parametrize("status", ["DELETED", "SUSPENDED"])
def test_a_reader_whose_own_account_is_closed_is_refused_and_seen(
    client: FlaskClient, built: Built, role: str, status: str
) -> None:
    patient, reader = written(client), written(client, role)
    treats(built, reader, patient)
    set_status(built, reader, status)
    answer = read(client, reader, patient, role)
    assert (answer.status_code, answer.json["code"]) == (403, f"ACCOUNT_{status}")
    assert [entry["refusedFor"] for entry in entries(built, actorId=reader)] == [f"ACCOUNT_{status}"]


def test_a_purged_doctors_token_reads_nothing(client: FlaskClient, built: Built) -> None:
    patient, doctor = written(client), written(client, "doctor")
    erase(client, built, doctor, "doctor")
    answer = read(client, doctor, patient)
    assert (answer.status_code, answer.json["code"]) == (401, "TOKEN_INVALID")


def test_an_id_that_somebody_made_up_is_not_written_into_the_audit(client: FlaskClient, built: Built) -> None:
    doctor = new_id()
    for text in ("Canary has asthma", "Canary" * 2000, "Canary\0", "$Canary"):
        assert read(client, doctor, text).status_code == 404
    found = entries(built, actorId=doctor)
    assert len(found) == 4
    assert "Canary" not in repr(found)


@contextmanager
def read_only(built: Built, collection: str) -> Iterator[None]:
    """The database refuses every new document of the collection."""
    change = {"collMod": collection, "validationLevel": "strict"}
    built.database.db.command({**change, "validator": {"_id": None}})
    try:
        yield
    finally:
        built.database.db.command({**change, "validator": {}})


def test_what_cannot_be_written_into_the_audit_is_not_shown(client: FlaskClient, built: Built) -> None:
    patient, doctor = written(client), written(client, "doctor")
    treats(built, doctor, patient)
    with read_only(built, "audit"):
        allowed, refused = read(client, doctor, patient), read(client, new_id(), patient)
    for answer in (allowed, refused):
        assert (answer.status_code, answer.json["code"]) == (503, "SERVICE_UNAVAILABLE")
        assert "Penicillin" not in answer.text
    assert read(client, doctor, patient).status_code == 200


# relations


def test_a_cancelled_appointment_ends_the_reading_and_a_new_one_begins_it_again(
    client: FlaskClient, built: Built
) -> None:
    patient, doctor = written(client), written(client, "doctor")
    appointment = treats(built, doctor, patient)
    told(built, doctor, patient, appointment, 2, cancelled=True)
    assert read(client, doctor, patient).status_code == 404
    treats(built, doctor, patient)
    assert read(client, doctor, patient).status_code == 200
    # of two, one is enough
    treats(built, doctor, patient, cancelled=True)
    assert read(client, doctor, patient).status_code == 200


@pytest.mark.parametrize("changes", [[False, True], [False, True, False], [False, False, True]])
def test_events_in_any_order_and_twice_leave_the_same_answer(built: Built, changes: list[bool]) -> None:
    versions = list(enumerate(changes, start=1))
    for order in permutations(versions):
        doctor, patient, appointment = new_id(), new_id(), new_id()
        for version, cancelled in (*order, *order[:1]):
            told(built, doctor, patient, appointment, version, cancelled=cancelled)
        related = built.service.patients._relations.is_related(doctor, patient)
        assert related is not changes[-1], order


def test_events_of_one_appointment_at_once_leave_the_newest(built: Built) -> None:
    doctor, patient, appointment = new_id(), new_id(), new_id()
    barrier = Barrier(6)

    def tell(version: int) -> None:
        barrier.wait()
        told(built, doctor, patient, appointment, version, cancelled=version != 6)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(tell, range(1, 7)))
    relation = built.database["relations"].find_one({"_id": appointment})
    assert relation
    assert (relation["version"], relation["cancelled"]) == (6, False)
