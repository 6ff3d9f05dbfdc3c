"""Admins see what was reported, and decide what everybody sees; the figures follow."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from visits import Visit
from werkzeug.test import TestResponse

from chassis.clock import new_id
from chassis.paging import encode_cursor
from devkit.testing import assert_valid, bearer
from review_service import events
from review_service.bootstrap import Built

Visits = Callable[..., Visit]


def decide(client: FlaskClient, review_id: str, verb: str, admin: str, **body: Any) -> TestResponse:
    path = f"/api/v1/admin/reviews/{review_id}/{verb}"
    return client.post(path, json=body, headers=bearer(admin, role="admin"))


def listed(client: FlaskClient, **query: Any) -> list[Any]:
    items: list[Any] = []
    while True:
        answer = client.get("/api/v1/admin/reviews", query_string=query, headers=bearer(new_id(), role="admin"))
        assert answer.status_code == 200, answer.json
        items += answer.json["data"]["items"]
        if not answer.json["data"]["nextCursor"]:
            return items
        query["cursor"] = answer.json["data"]["nextCursor"]


@pytest.fixture(autouse=True)
def _none_before(built: Built) -> None:
    built.database["reviews"].delete_many({})


def test_a_hidden_review_is_its_authors_alone_until_it_is_restored(
    client: FlaskClient, built: Built, visit: Visits
) -> None:
    made, admin = visit(), new_id()
    review_id = made.review(client, 1, comment="Rude words.").json["data"]["id"]
    for reason in ("Rude.", "Again."):
        answer = decide(client, review_id, "hide", admin, reason=reason)
        assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
        assert answer.json["data"]["hidden"]["reason"] == "Rude."
    assert client.get(f"/api/v1/doctors/{made.doctor_id}/reviews").json["data"]["items"] == []
    assert client.get(f"/api/v1/doctors/{made.doctor_id}/rating").json["data"]["count"] == 0
    own = client.get(f"/api/v1/reviews/{review_id}", headers=bearer(made.patient_id))
    assert own.json["data"]["hidden"].keys() == {"reason", "at"}
    assert admin not in own.text
    doctor = bearer(made.doctor_id, role="doctor")
    assert client.put(f"/api/v1/reviews/{review_id}/reply", json={"text": "x"}, headers=doctor).status_code == 404
    report = {"json": {"reason": "x"}, "headers": doctor}
    assert client.post(f"/api/v1/reviews/{review_id}/report", **report).status_code == 404

    edited = client.patch(f"/api/v1/reviews/{review_id}", json={"rating": 4}, headers=bearer(made.patient_id))
    assert edited.status_code == 200
    for _ in range(2):
        answer = decide(client, review_id, "restore", admin)
        assert (answer.status_code, answer.headers["ETag"], answer.json["data"]["hidden"]) == (200, '"4"', None)
    assert len(client.get(f"/api/v1/doctors/{made.doctor_id}/reviews").json["data"]["items"]) == 1
    rating = client.get(f"/api/v1/doctors/{made.doctor_id}/rating").json["data"]
    assert (rating["average"], rating["count"], rating["histogram"]["4"]) == (4, 1, 1)

    stored = built.database["reviews"].find_one({"_id": review_id})
    assert stored
    for event in stored["outbox"]:
        assert_valid(event)
    changes = [
        (event["data"]["change"], event["data"]["rating"], event["data"]["doctorRating"]["count"])
        for event in stored["outbox"]
        if event["type"] == "review-changed"
    ]
    assert changes == [("hidden", 1, 0), ("restored", 4, 1)]
    entries = [event["data"] for event in stored["outbox"] if event["type"] == "audit-recorded"]
    assert [(entry["action"], entry["actorId"], entry["subjectId"], entry["objectId"]) for entry in entries] == [
        (action, admin, made.patient_id, review_id) for action in ("review.hidden", "review.restored")
    ]
    assert "Rude" not in repr(stored["outbox"])


def test_a_hidden_review_that_is_deleted_is_not_discounted_twice(
    client: FlaskClient, built: Built, visit: Visits
) -> None:
    made = visit()
    review_id = made.review(client, 5).json["data"]["id"]
    decide(client, review_id, "hide", new_id(), reason="x")
    assert client.delete(f"/api/v1/reviews/{review_id}", headers=bearer(made.patient_id)).status_code == 200
    rating = built.database["ratings"].find_one({"_id": made.doctor_id})
    assert rating
    assert (rating["count"], rating["sum"], rating["version"]) == (0, 0, 2)


def test_admins_list_all_the_reported_or_the_others_newest_first_without_who_reported(
    client: FlaskClient, built: Built, visit: Visits
) -> None:
    made = [visit() for _ in range(7)]
    posted = [one.review(client, 3).json["data"]["id"] for one in made]
    reporters = [new_id(), new_id()]
    for number in (1, 3, 4):
        for reporter in reporters:
            body = {"json": {"reason": f"reason of {reporters.index(reporter)}"}, "headers": bearer(reporter)}
            assert client.post(f"/api/v1/reviews/{posted[number]}/report", **body).status_code == 202
    client.delete(f"/api/v1/reviews/{posted[4]}", headers=bearer(made[4].patient_id))
    decide(client, posted[3], "hide", new_id(), reason="x")

    def ids(**query: Any) -> list[int]:
        return [posted.index(item["id"]) for item in listed(client, **query)]

    for limit in (2, 20):
        assert ids(limit=limit) == [6, 5, 3, 2, 1, 0]
        assert ids(limit=limit, reported="true") == [3, 1]
        assert ids(limit=limit, reported="false") == [6, 5, 2, 0]
    item = listed(client, reported="true")[1]
    assert (item["appointmentId"], item["doctorId"], item["patientId"]) == (
        made[1].id,
        made[1].doctor_id,
        made[1].patient_id,
    )
    assert (item["reportCount"], [report["reason"] for report in item["reports"]]) == (
        2,
        ["reason of 1", "reason of 0"],
    )
    assert not any(reporter in repr(item) for reporter in reporters)
    # its doctor is erased: the admins still see the stars
    event = events.UserDeleted(user_id=made[0].doctor_id, version=9)
    built.database.transact(lambda session: built.service.user_deleted(event, session))
    last = listed(client)[-1]
    assert (last["doctorId"], last["rating"], last["comment"]) == (None, 3, None)
    assert decide(client, posted[0], "hide", new_id(), reason="x").status_code == 200
    assert built.database["ratings"].find_one({"_id": made[0].doctor_id}) is None
    assert decide(client, posted[0], "restore", new_id()).status_code == 200
    assert built.database["ratings"].find_one({"_id": made[0].doctor_id}) is None


@pytest.mark.parametrize("query", [{"cursor": encode_cursor(["x", "y"])}, {"reported": "maybe"}, {"other": "1"}])
def test_a_question_that_makes_no_sense_is_refused(client: FlaskClient, query: dict[str, str]) -> None:
    headers = bearer(new_id(), role="admin")
    assert client.get("/api/v1/admin/reviews", query_string=query, headers=headers).status_code == 422


@pytest.mark.parametrize("role", ["patient", "doctor"])
def test_only_admins_moderate(client: FlaskClient, visit: Visits, role: str) -> None:
    review_id = visit().review(client).json["data"]["id"]
    headers = bearer(new_id(), role=role)
    assert client.get("/api/v1/admin/reviews", headers=headers).status_code == 403
    for verb in ("hide", "restore"):
        path = f"/api/v1/admin/reviews/{review_id}/{verb}"
        assert client.post(path, json={"reason": "x"}, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "body", [{}, {"reason": None}, {"reason": " "}, {"reason": {"$ne": 1}}, {"reason": "x", "by": "y"}]
)
def test_hiding_needs_a_reason(client: FlaskClient, visit: Visits, body: dict[str, Any]) -> None:
    review_id = visit().review(client).json["data"]["id"]
    assert decide(client, review_id, "hide", new_id(), **body).status_code == 422


def test_an_erased_admin_decides_nothing(client: FlaskClient, built: Built, visit: Visits) -> None:
    review_id, gone = visit().review(client).json["data"]["id"], new_id()
    event = events.UserDeleted(user_id=gone, version=9)
    built.database.transact(lambda session: built.service.user_deleted(event, session))
    for verb, body in (("hide", {"reason": "x"}), ("restore", {})):
        answer = decide(client, review_id, verb, gone, **body)
        assert (answer.status_code, answer.json["code"]) == (401, "TOKEN_INVALID")
    assert decide(client, new_id(), "restore", new_id()).status_code == 404


def test_the_public_reviews_of_some_dates_add_up(client: FlaskClient, built: Built, visit: Visits) -> None:
    admin = bearer(new_id(), role="admin")

    def figures(**query: Any) -> Any:
        answer = client.get("/api/v1/admin/analytics/reviews", query_string=query, headers=admin)
        assert answer.status_code == 200, answer.json
        return answer.json["data"]

    ids = [visit().review(client, stars).json["data"]["id"] for stars in (5, 4, 4, 1, 2, 3)]
    reviews = built.database["reviews"]
    # the first instant of the first day, the last of the last, and those before and after
    for review_id, at in zip(
        ids,
        ("04-01T00:00:00", "04-30T23:59:59.999", "04-15T12:00:00", "03-31T23:59:59.999", "05-01T00:00:00"),
        strict=False,
    ):
        instant = datetime.fromisoformat(f"2026-{at}+00:00")
        reviews.update_one({"_id": review_id}, {"$set": {"createdAt": instant}})
    april = {"from": "2026-04-01", "to": "2026-04-30"}
    histogram = {"1": 0, "2": 0, "3": 0, "4": 2, "5": 1}
    assert figures(**april) == {**april, "average": 4.33, "count": 3, "histogram": histogram}
    # by default it is up to today
    assert figures()["histogram"]["3"] == 1

    decide(client, ids[1], "hide", new_id(), reason="Rude.")
    assert figures(**april)["count"] == 2
    event = events.UserDeleted(user_id=reviews.find_one({"_id": ids[0]})["doctorId"], version=9)
    built.database.transact(lambda session: built.service.user_deleted(event, session))
    assert figures(**april)["histogram"] == {**histogram, "4": 1, "5": 0}
    assert figures(**{"from": "9999-12-31", "to": "9999-12-31"})["count"] == 0
    assert figures(to="0001-01-01")["from"] == "0001-01-01"


@pytest.mark.parametrize(
    "dates",
    [
        {"from": "2026-02-01", "to": "2026-01-31"},
        {"from": "2026-01-01", "to": "2027-01-02"},
        {"from": "20260101"},
        {"to": "2026-02-30"},
    ],
)
def test_dates_that_are_none_or_too_many_are_refused(client: FlaskClient, dates: dict[str, str]) -> None:
    answer = client.get("/api/v1/admin/analytics/reviews", query_string=dates, headers=bearer(new_id(), role="admin"))
    assert (answer.status_code, answer.json["code"]) == (422, "VALIDATION_FAILED")
