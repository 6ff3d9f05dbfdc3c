"""What admins decide about profiles."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from devkit.testing import assert_valid
from doctor_service import events
from doctor_service.app import create_app
from doctor_service.bootstrap import Built

Make = Callable[..., Any]
Outbox = Callable[[str], list[dict[str, Any]]]


def test_approval_is_told_to_others_and_kept(pending: Make, admin: Any, outbox: Outbox) -> None:
    doctor = pending()
    answer = admin.call("POST", f"/admin/doctors/{doctor.id}/approve")
    data = answer.json["data"]
    assert (answer.status_code, data["moderationStatus"], answer.headers["ETag"]) == (200, "APPROVED", '"2"')
    assert [(line["status"], line["by"]) for line in data["moderationHistory"]] == [
        ("PENDING", doctor.id),
        ("APPROVED", admin.id),
    ]
    assert [event["data"]["moderationStatus"] for event in outbox(doctor.id)] == ["PENDING", "APPROVED"]


@pytest.mark.parametrize(("method", "body"), [("PUT", {"specialty": "Dermatology"}), ("PATCH", {"bio": "Licensed."})])
def test_a_rejected_doctor_reads_why_and_may_try_again(
    pending: Make, admin: Any, method: str, body: dict[str, str]
) -> None:
    doctor = pending()
    rejected = admin.call("POST", f"/admin/doctors/{doctor.id}/reject", {"reason": "No licence."})
    assert rejected.status_code == 200
    own = doctor.get("/doctors/me")
    assert (own["moderationStatus"], own["moderationReason"]) == ("REJECTED", "No licence.")
    assert "moderationHistory" not in own
    again = doctor.call(method, "/doctors/me", body).json["data"]
    assert (again["moderationStatus"], again["moderationReason"]) == ("PENDING", None)
    history = admin.call("POST", f"/admin/doctors/{doctor.id}/approve").json["data"]["moderationHistory"]
    assert [(line["status"], line.get("reason")) for line in history] == [
        ("PENDING", None),
        ("REJECTED", "No licence."),
        ("PENDING", None),
        ("APPROVED", None),
    ]


def test_an_admin_sees_one_doctor_of_any_standing_with_who_decided_what_and_why(pending: Make, admin: Any) -> None:
    doctor = pending()
    assert admin.get(f"/admin/doctors/{doctor.id}")["moderationStatus"] == "PENDING"
    rejected = admin.call("POST", f"/admin/doctors/{doctor.id}/reject", {"reason": "No licence."})
    seen = admin.call("GET", f"/admin/doctors/{doctor.id}")
    assert (seen.json["data"], seen.headers["ETag"]) == (rejected.json["data"], '"2"')
    assert [(line["status"], line["by"], line.get("reason")) for line in seen.json["data"]["moderationHistory"]] == [
        ("PENDING", doctor.id, None),
        ("REJECTED", admin.id, "No licence."),
    ]
    missing = admin.call("GET", "/admin/doctors/nobody")
    assert (missing.status_code, missing.json["code"]) == (404, "DOCTOR_NOT_FOUND")
    assert doctor.call("GET", f"/admin/doctors/{doctor.id}").status_code == 403


def test_a_rejected_doctor_can_be_approved(pending: Make, admin: Any) -> None:
    doctor = pending()
    admin.call("POST", f"/admin/doctors/{doctor.id}/reject", {"reason": "By mistake."})
    data = admin.call("POST", f"/admin/doctors/{doctor.id}/approve").json["data"]
    assert (data["moderationStatus"], data["moderationReason"]) == ("APPROVED", None)


def test_other_transitions_are_refused(pending: Make, admin: Any) -> None:
    doctor = pending()
    approve, reject = f"/admin/doctors/{doctor.id}/approve", f"/admin/doctors/{doctor.id}/reject"
    admin.call("POST", approve)
    for answer in (admin.call("POST", approve), admin.call("POST", reject, {"reason": "Late."})):
        assert (answer.status_code, answer.json["code"]) == (409, "INVALID_TRANSITION")
    turned_down = pending()
    path = f"/admin/doctors/{turned_down.id}/reject"
    admin.call("POST", path, {"reason": "No licence."})
    assert admin.call("POST", path, {"reason": "Still none."}).status_code == 409


def test_a_suspended_doctor_is_gone_until_reinstated_and_reads_why(
    listed: Make, admin: Any, anyone: Any, outbox: Outbox
) -> None:
    doctor = listed()
    path = f"/admin/doctors/{doctor.id}"
    suspended = admin.call("POST", f"{path}/suspend", {"reason": "Complaints."}).json["data"]
    assert (suspended["moderationStatus"], suspended["version"]) == ("SUSPENDED", 3)
    assert anyone.call("GET", f"/doctors/{doctor.id}").status_code == 404
    # what the doctor does about it brings nothing back
    edited = doctor.call("PATCH", "/doctors/me", {"bio": "Innocent."}).json["data"]
    assert (edited["moderationStatus"], edited["moderationReason"]) == ("SUSPENDED", "Complaints.")
    for action, body in (("approve", None), ("reject", {"reason": "No."}), ("suspend", {"reason": "Again."})):
        assert admin.call("POST", f"{path}/{action}", body).json["code"] == "INVALID_TRANSITION"
    assert admin.call("POST", f"{path}/reinstate").json["data"]["moderationReason"] is None
    assert anyone.get(f"/doctors/{doctor.id}")["id"] == doctor.id
    assert [event["data"]["moderationStatus"] for event in outbox(doctor.id)] == [
        "PENDING",
        "APPROVED",
        "SUSPENDED",
        "APPROVED",
    ]


def audited(built: Built, doctor_id: str) -> list[dict[str, Any]]:
    found = built.database["audit"].find({"outbox.data.subjectId": doctor_id}).sort("_id")
    entries = [entry for document in found for entry in document["outbox"]]
    for entry in entries:
        assert_valid(entry)
    return [entry["data"] for entry in entries]


def test_who_moderated_whom_is_on_record_without_the_reason(pending: Make, admin: Any, built: Built) -> None:
    doctor = pending()
    for action, body in (
        ("reject", {"reason": "a-canary"}),
        ("approve", None),
        ("suspend", {"reason": "a-canary"}),
        ("reinstate", None),
    ):
        assert admin.call("POST", f"/admin/doctors/{doctor.id}/{action}", body).status_code == 200
    entries = audited(built, doctor.id)
    assert [entry["action"] for entry in entries] == [
        "doctor.rejected",
        "doctor.approved",
        "doctor.suspended",
        "doctor.reinstated",
    ]
    assert {(entry["actorId"], entry["actorRole"]) for entry in entries} == {(admin.id, "admin")}
    assert "canary" not in repr(entries)


def test_what_was_refused_is_not_on_record_as_done(pending: Make, admin: Any, built: Built) -> None:
    doctor = pending()
    assert admin.call("POST", f"/admin/doctors/{doctor.id}/reinstate").status_code == 409
    assert admin.call("POST", f"/admin/doctors/{doctor.id}/approve", If_Match='"9"').status_code == 412
    assert audited(built, doctor.id) == []


def test_a_decision_and_its_record_are_made_together_or_not_at_all(
    pending: Make, admin: Any, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, record = pending(), built.doctors._audit.record

    def recorded_and_lost(*arguments: Any) -> None:
        record(*arguments)
        raise AutoReconnect

    with monkeypatch.context() as patch:
        patch.setattr(built.doctors._audit, "record", recorded_and_lost)
        assert admin.call("POST", f"/admin/doctors/{doctor.id}/approve").status_code == 503
    assert doctor.get("/doctors/me")["moderationStatus"] == "PENDING"
    assert audited(built, doctor.id) == []


def test_the_record_outlives_the_doctors_own_events_and_the_doctor(pending: Make, admin: Any, built: Built) -> None:
    doctor = pending()
    admin.call("POST", f"/admin/doctors/{doctor.id}/approve")
    for hour in range(22):
        doctor.call("PUT", "/doctors/me/accepting", {"accepting": bool(hour % 2)})
    event = events.UserDeleted(user_id=doctor.id, version=9)
    built.database.transact(lambda session: built.doctors.user_deleted(event, session))
    assert [entry["action"] for entry in audited(built, doctor.id)] == ["doctor.approved"]


def test_of_racing_admins_one_decides(pending: Make, admin: Any, built: Built) -> None:
    app, doctor, barrier = create_app(built), pending(), Barrier(8)

    def approve(_: int) -> int:
        barrier.wait()
        path = f"/api/v1/admin/doctors/{doctor.id}/approve"
        return app.test_client().post(path, headers=admin.headers).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(approve, range(8))) == [200] + [409] * 7
    assert len(audited(built, doctor.id)) == 1


def test_an_admin_decides_on_what_was_read(pending: Make, admin: Any) -> None:
    doctor = pending()
    doctor.call("PATCH", "/doctors/me", {"specialty": "Surgery"})
    answer = admin.call("POST", f"/admin/doctors/{doctor.id}/approve", If_Match='"1"')
    assert (answer.status_code, answer.json["code"]) == (412, "VERSION_MISMATCH")


@pytest.mark.parametrize("action", ["reject", "suspend"])
def test_a_refusal_needs_a_reason(pending: Make, admin: Any, action: str) -> None:
    path = f"/admin/doctors/{pending().id}/{action}"
    for body in ({}, {"reason": " "}):
        answer = admin.call("POST", path, body)
        assert [error["field"] for error in answer.json["errors"]] == ["reason"]


@pytest.mark.parametrize("action", ["approve", "reject", "suspend", "reinstate"])
def test_there_is_nothing_to_decide_on_an_unknown_doctor(admin: Any, action: str) -> None:
    answer = admin.call(
        "POST", f"/admin/doctors/nobody/{action}", {"reason": "Nobody."} if action in ("reject", "suspend") else None
    )
    assert (answer.status_code, answer.json["code"]) == (404, "DOCTOR_NOT_FOUND")


@pytest.mark.parametrize("role", ["patient", "doctor"])
def test_only_admins_moderate(person: Make, role: str) -> None:
    someone = person(role)
    assert someone.call("GET", "/admin/doctors").status_code == 403
    assert someone.call("POST", "/admin/doctors/x/approve").status_code == 403
    assert someone.call("POST", "/admin/doctors/x/reinstate").status_code == 403
    for action in ("reject", "suspend"):
        assert someone.call("POST", f"/admin/doctors/x/{action}", {"reason": "No."}).status_code == 403


@pytest.mark.parametrize(("query", "expected"), [("", 8), ("moderationStatus=PENDING", 4)])
def test_admins_page_through_the_doctors_in_the_order_they_came(
    pending: Make, listed: Make, admin: Any, built: Built, query: str, expected: int
) -> None:
    built.database["doctors"].delete_many({})
    others = [listed().id for _ in range(4)]
    ids = ([] if query else others) + [pending().id for _ in range(4)]
    database = built.database.db
    database.command("profile", 2)
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        data = admin.get(f"/admin/doctors?limit=2&{query}{cursor and '&cursor='}{cursor}")
        seen += [doctor["id"] for doctor in data["items"]]
        cursor = data["nextCursor"]
    database.command("profile", 0)
    operations = list(database["system.profile"].find({"op": "query", "ns": f"{database.name}.doctors"}))
    database.drop_collection("system.profile")
    assert seen == ids
    assert len(seen) == expected
    assert operations[0]["docsExamined"] == 3, "the first page reads itself and one more"
    for operation in operations:
        assert "COLLSCAN" not in operation["planSummary"]
        assert not operation.get("hasSortStage")


def test_an_unknown_status_is_refused(admin: Any) -> None:
    assert admin.call("GET", "/admin/doctors?moderationStatus=NEW").status_code == 422
