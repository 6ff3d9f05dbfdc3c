"""What its author, its doctor and whoever reports it may do to a review; and nobody else."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from visits import Visit
from werkzeug.test import TestResponse

from chassis.clock import new_id, now
from devkit.testing import assert_valid, bearer
from review_service import events
from review_service.bootstrap import Built

Visits = Callable[..., Visit]


def call(client: FlaskClient, method: str, path: str, who: str, role: str = "patient", **more: Any) -> TestResponse:
    headers = {**bearer(who, role=role), **more.pop("headers", {})}
    return client.open(f"/api/v1/reviews/{path}", method=method, headers=headers, **more)


def stored(built: Built, review_id: str) -> dict[str, Any]:
    found = built.database["reviews"].find_one({"_id": review_id})
    assert found
    return found


def told(built: Built, review_id: str) -> list[tuple[str, int, int, int]]:
    """(change, stars, count, version) of each review-changed."""
    changed = [event for event in stored(built, review_id)["outbox"] if event["type"] == "review-changed"]
    for event in changed:
        assert_valid(event)
    return [
        (data["change"], data["rating"], data["doctorRating"]["count"], data["doctorRating"]["version"])
        for data in (event["data"] for event in changed)
    ]


def figures(client: FlaskClient, made: Visit) -> tuple[float, int, dict[str, int]]:
    data = client.get(f"/api/v1/doctors/{made.doctor_id}/rating").json["data"]
    return data["average"], data["count"], {stars: number for stars, number in data["histogram"].items() if number}


def test_an_author_edits_stars_and_text_and_the_figures_follow(
    client: FlaskClient, built: Built, visit: Visits
) -> None:
    made = visit()
    review_id = made.review(client, 2, comment="Late.").json["data"]["id"]
    answer = call(client, "PATCH", review_id, made.patient_id, json={"rating": 5, "comment": None})
    data = answer.json["data"]
    assert (answer.status_code, answer.headers["ETag"], data["rating"], data["comment"]) == (200, '"2"', 5, None)
    assert call(client, "GET", review_id, made.patient_id).json["data"] == data
    assert figures(client, made) == (5, 1, {"5": 1})
    assert told(built, review_id) == [("edited", 5, 1, 2)]


@pytest.mark.parametrize("body", [{}, {"rating": 4}, {"comment": "Kind."}])
def test_what_is_as_it_was_makes_no_new_version(
    client: FlaskClient, built: Built, visit: Visits, body: dict[str, object]
) -> None:
    made = visit()
    review_id = made.review(client, 4, comment="Kind.").json["data"]["id"]
    before = stored(built, review_id)
    assert call(client, "PATCH", review_id, made.patient_id, json=body).headers["ETag"] == '"1"'
    assert stored(built, review_id) == before


def test_an_edited_comment_alone_is_announced_to_nobody(client: FlaskClient, built: Built, visit: Visits) -> None:
    made = visit()
    review_id = made.review(client, 4).json["data"]["id"]
    assert call(client, "PATCH", review_id, made.patient_id, json={"comment": "Kind."}).headers["ETag"] == '"2"'
    assert told(built, review_id) == []


@pytest.mark.parametrize(
    "body",
    [
        {"rating": None},
        {"rating": 0},
        {"rating": 6},
        {"rating": "5"},
        {"rating": True},
        {"comment": ""},
        {"author": "x"},
    ],
)
def test_a_bad_edit_changes_nothing(client: FlaskClient, built: Built, visit: Visits, body: dict[str, object]) -> None:
    made = visit()
    review_id = made.review(client, 4).json["data"]["id"]
    before = stored(built, review_id)
    assert call(client, "PATCH", review_id, made.patient_id, json=body).status_code == 422
    assert stored(built, review_id) == before


def test_a_deleted_review_leaves_no_word_and_no_figure_and_cannot_be_written_again(
    client: FlaskClient, built: Built, visit: Visits
) -> None:
    made = visit()
    review_id = made.review(client, 3, comment="Late.").json["data"]["id"]
    call(client, "PUT", f"{review_id}/reply", made.doctor_id, "doctor", json={"text": "Sorry."})
    call(client, "POST", f"{review_id}/report", new_id(), json={"reason": "Rude."})
    assert call(client, "DELETE", review_id, made.patient_id).status_code == 200
    for method in ("GET", "DELETE"):
        assert call(client, method, review_id, made.patient_id).status_code == 404
    left = stored(built, review_id)
    people = ("doctorId", "patientId", "rating", "comment", "author", "reply", "hidden")
    assert {left[key] for key in people} == {None}
    assert left["reports"] == []
    assert left["deletedAt"]
    assert figures(client, made) == (0, 0, {})
    assert client.get(f"/api/v1/doctors/{made.doctor_id}/reviews").json["data"]["items"] == []
    assert told(built, review_id) == [("deleted", 3, 0, 2)]
    assert made.review(client).json["code"] == "ALREADY_REVIEWED"
    assert figures(client, made) == (0, 0, {})
    admin = {"headers": bearer(new_id(), role="admin")}
    for verb, body in (("hide", {"reason": "x"}), ("restore", {})):
        assert client.post(f"/api/v1/admin/reviews/{review_id}/{verb}", json=body, **admin).status_code == 404


def test_a_doctor_replies_replies_anew_and_takes_it_back(client: FlaskClient, built: Built, visit: Visits) -> None:
    made = visit()
    review_id = made.review(client, 3).json["data"]["id"]
    etags = []
    for text in ("Sorry.", "Sorry.", "We moved."):
        answer = call(client, "PUT", f"{review_id}/reply", made.doctor_id, "doctor", json={"text": text})
        assert (answer.status_code, answer.json["data"]["reply"]["text"]) == (200, text)
        etags.append(answer.headers["ETag"])
    assert etags == ['"2"', '"2"', '"3"']
    [item] = client.get(f"/api/v1/doctors/{made.doctor_id}/reviews").json["data"]["items"]
    assert item["reply"]["text"] == "We moved."
    for _ in range(2):
        answer = call(client, "DELETE", f"{review_id}/reply", made.doctor_id, "doctor")
        assert (answer.status_code, answer.headers["ETag"]) == (200, '"4"')
    assert call(client, "GET", review_id, made.patient_id).json["data"]["reply"] is None
    assert told(built, review_id) == []


def test_a_person_reports_once_and_no_more_than_a_hundred_are_kept(
    client: FlaskClient, built: Built, visit: Visits
) -> None:
    made = visit()
    review_id = made.review(client, 3).json["data"]["id"]
    reporter = new_id()
    for reason in ("Rude.", "Still rude."):
        assert call(client, "POST", f"{review_id}/report", reporter, json={"reason": reason}).status_code == 202
    assert [report["reason"] for report in stored(built, review_id)["reports"]] == ["Rude."]
    more = [{"by": new_id(), "reason": "x", "at": now()} for _ in range(98)]
    built.database["reviews"].update_one({"_id": review_id}, {"$push": {"reports": {"$each": more}}})
    for _ in range(2):
        assert call(client, "POST", f"{review_id}/report", new_id(), json={"reason": "y"}).status_code == 202
    assert len(stored(built, review_id)["reports"]) == 100
    assert stored(built, review_id)["version"] == 1


def test_who_was_erased_reports_no_more(client: FlaskClient, built: Built, visit: Visits) -> None:
    made = visit()
    review_id = made.review(client, 3).json["data"]["id"]
    gone = new_id()
    event = events.UserDeleted(user_id=gone, version=9)
    built.database.transact(lambda session: built.service.user_deleted(event, session))
    answer = call(client, "POST", f"{review_id}/report", gone, json={"reason": "x"})
    assert (answer.status_code, answer.json["code"]) == (401, "TOKEN_INVALID")
    assert stored(built, review_id)["reports"] == []


OPERATIONS: list[tuple[str, str, str, dict[str, object] | None]] = [
    ("GET", "", "patient", None),
    ("PATCH", "", "patient", {"rating": 1}),
    ("DELETE", "", "patient", None),
    ("PUT", "/reply", "doctor", {"text": "x"}),
    ("DELETE", "/reply", "doctor", None),
]


@pytest.mark.parametrize(("method", "path", "role", "body"), OPERATIONS)
def test_nobody_elses(
    client: FlaskClient,
    built: Built,
    visit: Visits,
    method: str,
    path: str,
    role: str,
    body: dict[str, object] | None,
) -> None:
    made = visit()
    review_id = made.review(client, 3, comment="Late.").json["data"]["id"]
    before = stored(built, review_id)
    sent = {"json": body} if body else {}
    other = made.doctor_id if role == "patient" else made.patient_id
    for who in (new_id(), other):
        assert call(client, method, review_id + path, who, role, **sent).status_code == 404
    assert call(client, method, new_id() + path, made.patient_id, role, **sent).status_code == 404
    if role == "doctor":
        assert call(client, method, review_id + path, made.doctor_id, "patient", **sent).status_code == 403
    assert client.open(f"/api/v1/reviews/{review_id}{path}", method=method, **sent).status_code == 401
    assert stored(built, review_id) == before


@pytest.mark.parametrize(("method", "path", "role", "body"), OPERATIONS[1:])
def test_a_stale_version_changes_nothing(
    client: FlaskClient,
    built: Built,
    visit: Visits,
    method: str,
    path: str,
    role: str,
    body: dict[str, object] | None,
) -> None:
    made = visit()
    review_id = made.review(client, 3).json["data"]["id"]
    before = stored(built, review_id)
    who = made.patient_id if role == "patient" else made.doctor_id
    sent: dict[str, Any] = {"json": body} if body else {}
    answer = call(client, method, review_id + path, who, role, headers={"If-Match": '"7"'}, **sent)
    assert (answer.status_code, answer.json["code"]) == (412, "VERSION_MISMATCH")
    assert stored(built, review_id) == before
    assert call(client, method, review_id + path, who, role, headers={"If-Match": '"1"'}, **sent).status_code == 200


@pytest.mark.parametrize(("method", "path", "field"), [("PUT", "reply", "text"), ("POST", "report", "reason")])
@pytest.mark.parametrize("value", [None, "", 5, {"$gt": ""}, ["x"], "x" * 2001, "a\u0000b"])
def test_hostile_texts_are_named(
    client: FlaskClient, visit: Visits, method: str, path: str, field: str, value: object
) -> None:
    made = visit()
    review_id = made.review(client, 3).json["data"]["id"]
    answer = call(client, method, f"{review_id}/{path}", made.doctor_id, "doctor", json={field: value})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)


def test_a_review_written_by_an_earlier_version_bears_all_of_it(
    client: FlaskClient, built: Built, visit: Visits
) -> None:
    made = visit()
    review_id = made.review(client, 3).json["data"]["id"]
    built.database["reviews"].update_one({"_id": review_id}, {"$unset": {"reply": "", "hidden": "", "reports": ""}})
    assert call(client, "GET", review_id, made.patient_id).json["data"]["reply"] is None
    assert len(client.get(f"/api/v1/doctors/{made.doctor_id}/reviews").json["data"]["items"]) == 1
    assert call(client, "DELETE", f"{review_id}/reply", made.doctor_id, "doctor").status_code == 200
    assert call(client, "POST", f"{review_id}/report", new_id(), json={"reason": "x"}).status_code == 202
    assert call(client, "PATCH", review_id, made.patient_id, json={"rating": 1}).status_code == 200
    assert call(client, "DELETE", review_id, made.patient_id).status_code == 200


@pytest.mark.parametrize("order", [("completed", "no_show"), ("no_show", "completed")])
def test_of_completed_and_no_show_the_newest_version_decides_in_any_order(
    client: FlaskClient, built: Built, order: tuple[str, str]
) -> None:
    for newest, status in (("completed", 201), ("no_show", 409)):
        made = Visit(new_id(), new_id(), new_id())
        for kind in order:
            event = events.AppointmentEnded(
                appointment_id=made.id,
                doctor_id=made.doctor_id,
                patient_id=made.patient_id,
                version=4 if kind == newest else 3,
            )
            act = getattr(built.service, f"appointment_{kind}")
            built.database.transact(lambda session, act=act, event=event: act(event, session))
        answer = made.review(client)
        assert answer.status_code == status
        if status == 409:
            assert answer.json["code"] == "NOT_REVIEWABLE"
            another = Visit(made.id, made.doctor_id, new_id())
            assert another.review(client).status_code == 404


def test_an_author_finds_the_review_by_its_appointment_and_nobody_else_does(
    client: FlaskClient, built: Built, visit: Visits
) -> None:
    made = visit()
    path = f"/api/v1/appointments/{made.id}/review"

    def read(who: str, role: str = "patient") -> TestResponse:
        return client.get(path, headers=bearer(who, role=role))

    assert read(made.patient_id).status_code == 404
    posted = made.review(client, 3).json["data"]
    found = read(made.patient_id)
    assert (found.json["data"], found.headers["ETag"]) == (posted, '"1"')
    for who, role in ((new_id(), "patient"), (made.doctor_id, "doctor"), (new_id(), "admin")):
        assert read(who, role).status_code == 404
    assert client.get(path).status_code == 401
    assert call(client, "DELETE", posted["id"], made.patient_id).status_code == 200
    assert read(made.patient_id).status_code == 404
