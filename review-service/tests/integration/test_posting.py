"""Posting reviews, also under races."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask.testing import FlaskClient
from visits import Visit

from chassis.clock import new_id
from devkit.testing import bearer
from review_service.bootstrap import Built

Visits = Callable[..., Visit]


def test_a_patient_reviews_a_completed_appointment(client: FlaskClient, visit: Visits) -> None:
    made = visit()
    answer = made.review(client, 4, name="Ann Marie Lee", comment=" Kind and on time. ")
    data = answer.json["data"]
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    assert data == {
        "id": data["id"],
        "appointmentId": made.id,
        "doctorId": made.doctor_id,
        "rating": 4,
        "comment": "Kind and on time.",
        "author": "Ann L.",
        "reply": None,
        "hidden": None,
        "createdAt": data["createdAt"],
        "updatedAt": data["createdAt"],
        "version": 1,
    }


def test_a_review_needs_no_comment(client: FlaskClient, visit: Visits) -> None:
    assert visit().review(client, 1).json["data"]["comment"] is None


def test_the_surname_is_not_stored(client: FlaskClient, built: Built, visit: Visits) -> None:
    made = visit()
    made.review(client, name="Ann Featherstonehaugh")
    assert "Featherstonehaugh" not in repr(built.database["reviews"].find_one({"appointmentId": made.id}))


def test_an_appointment_that_has_not_taken_place_cannot_be_reviewed(client: FlaskClient) -> None:
    answer = Visit(new_id(), new_id(), new_id()).review(client)
    assert (answer.status_code, answer.json["code"]) == (409, "NOT_REVIEWABLE")


def test_another_patients_visit_is_not_there(client: FlaskClient, visit: Visits) -> None:
    made = visit()
    answer = Visit(made.id, made.doctor_id, new_id()).review(client)
    assert (answer.status_code, answer.json["code"]) == (404, "NOT_FOUND")


def test_a_visit_is_reviewed_once(client: FlaskClient, visit: Visits) -> None:
    made = visit()
    made.review(client, 5)
    again = made.review(client, 1)
    assert (again.status_code, again.json["code"]) == (409, "ALREADY_REVIEWED")
    rating = client.get(f"/api/v1/doctors/{made.doctor_id}/rating").json["data"]
    assert (rating["average"], rating["count"]) == (5, 1)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"rating": 0}, "rating"),
        ({"rating": 6}, "rating"),
        ({"rating": 4.5}, "rating"),
        ({"rating": "4"}, "rating"),
        ({"rating": True}, "rating"),
        ({"rating": None}, "rating"),
        ({"comment": ""}, "comment"),
        ({"comment": "x" * 2001}, "comment"),
        ({"author": "Somebody"}, "author"),
    ],
)
def test_bad_fields_are_named(client: FlaskClient, visit: Visits, fields: dict[str, object], field: str) -> None:
    answer = visit().review(client, **fields)  # type: ignore[arg-type]  # the wrong types are the point
    assert (answer.status_code, answer.json["code"]) == (422, "VALIDATION_FAILED")
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize("role", ["doctor", "admin"])
def test_only_patients_review(client: FlaskClient, visit: Visits, role: str) -> None:
    made = visit()
    headers = bearer(made.patient_id, role=role)
    answer = client.post(f"/api/v1/appointments/{made.id}/review", json={"rating": 5}, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (403, "FORBIDDEN")


def test_a_review_needs_a_token(client: FlaskClient, visit: Visits) -> None:
    answer = client.post(f"/api/v1/appointments/{visit().id}/review", json={"rating": 5})
    assert (answer.status_code, answer.json["code"]) == (401, "TOKEN_MISSING")


def test_twenty_patients_at_once_are_all_counted(client: FlaskClient, built: Built, visit: Visits) -> None:
    doctor_id = new_id()
    visits = [visit(doctor_id) for _ in range(20)]
    given = [number % 5 + 1 for number in range(20)]
    given[0] = 5
    barrier = Barrier(20)

    def post(made: Visit, stars: int) -> None:
        barrier.wait()
        built.service.post_review(made.id, made.patient_id, "Ann Lee", stars, None)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(post, visits, given))

    rating = client.get(f"/api/v1/doctors/{doctor_id}/rating").json["data"]
    counts = Counter(given)
    assert rating == {
        "average": sum(given) / 20,
        "count": 20,
        "histogram": {str(stars): counts[stars] for stars in range(1, 6)},
    }
    figures = [
        event["data"]["doctorRating"]
        for review in built.database["reviews"].find({"doctorId": doctor_id})
        for event in review["outbox"]
    ]
    assert sorted(item["version"] for item in figures) == list(range(1, 21))
    assert all(item["count"] == item["version"] for item in figures)
    last = max(figures, key=lambda item: item["version"])
    assert last == {"average": rating["average"], "count": 20, "version": 20}


def test_the_same_review_ten_times_at_once_is_one(client: FlaskClient, built: Built, visit: Visits) -> None:
    made = visit()
    barrier = Barrier(10)

    def post(_: int) -> tuple[int, str | None]:
        # a client of its own for each thread: the test client keeps state
        own = client.application.test_client()
        barrier.wait()
        answer = made.review(own, 3)
        return answer.status_code, answer.json.get("code")

    with ThreadPoolExecutor(10) as pool:
        outcomes = Counter(pool.map(post, range(10)))
    assert outcomes == {(201, None): 1, (409, "ALREADY_REVIEWED"): 9}
    rating = client.get(f"/api/v1/doctors/{made.doctor_id}/rating").json["data"]
    assert (rating["average"], rating["count"]) == (3, 1)
    assert built.database["reviews"].count_documents({"appointmentId": made.id}) == 1
