"""What everyone may read about a doctor."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from visits import Visit

from chassis.clock import new_id
from chassis.paging import encode_cursor
from review_service import events
from review_service.bootstrap import Built

Visits = Callable[..., Visit]


def announce(built: Built, doctor_id: str, *, version: int = 1, visible: bool = True) -> None:
    event = events.DoctorUpdated(
        doctor_id=doctor_id, version=version, moderation_status="APPROVED", visible=visible, active=True
    )
    built.database.transact(lambda session: built.service.doctor_updated(event, session))


def read(client: FlaskClient, doctor_id: str, **query: object) -> Any:
    answer = client.get(f"/api/v1/doctors/{doctor_id}/reviews", query_string=query)
    assert answer.status_code == 200, answer.json
    return answer.json["data"]


def read_all(client: FlaskClient, doctor_id: str, **query: object) -> list[dict[str, Any]]:
    data = read(client, doctor_id, **query)
    items: list[dict[str, Any]] = data["items"]
    while data["nextCursor"]:
        data = read(client, doctor_id, cursor=data["nextCursor"], **query)
        items += data["items"]
    return items


def test_a_review_shows_neither_who_wrote_it_nor_the_appointment(client: FlaskClient, visit: Visits) -> None:
    made = visit()
    made.review(client, 4, comment="Kind.")
    answer = client.get(f"/api/v1/doctors/{made.doctor_id}/reviews")
    [item] = answer.json["data"]["items"]
    assert (item["author"], item["rating"], item["comment"]) == ("Ann L.", 4, "Kind.")
    assert made.patient_id not in answer.text
    assert made.id not in answer.text
    assert "Lee" not in answer.text


def test_the_newest_comes_first_and_every_review_once(client: FlaskClient, visit: Visits) -> None:
    doctor_id = new_id()
    posted = [visit(doctor_id).review(client, number % 3 + 1).json["data"]["id"] for number in range(7)]
    assert [item["id"] for item in read_all(client, doctor_id, limit=3)] == posted[::-1]


def test_the_best_comes_first_and_within_a_rating_the_newest(client: FlaskClient, built: Built, visit: Visits) -> None:
    doctor_id = new_id()
    posted = [visit(doctor_id).review(client, number % 2 + 1).json["data"]["id"] for number in range(8)]
    # all at the same instant, so that the order within a rating hangs on the last key alone
    instant = built.service._now()
    built.database["reviews"].update_many({"_id": {"$in": posted[:4]}}, {"$set": {"createdAt": instant}})
    items = read_all(client, doctor_id, sort="rating", limit=3)
    expected = sorted(items, key=lambda item: (item["rating"], item["createdAt"], item["id"]), reverse=True)
    assert items == expected
    assert sorted(item["id"] for item in items) == sorted(posted)


def test_a_review_that_comes_while_paging_shifts_nothing(client: FlaskClient, visit: Visits) -> None:
    doctor_id = new_id()
    posted = [visit(doctor_id).review(client).json["data"]["id"] for _ in range(4)]
    first = read(client, doctor_id, limit=2)
    visit(doctor_id).review(client)
    second = read(client, doctor_id, limit=2, cursor=first["nextCursor"])
    assert [item["id"] for item in first["items"] + second["items"]] == posted[::-1]


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense!",
        encode_cursor(["x", "y"]),
        encode_cursor([9, "not an instant", "x"]),
        encode_cursor([2**63 + 1, *(0, "x")]),
    ],
)
@pytest.mark.parametrize("sort", ["recent", "rating"])
def test_a_made_up_cursor_is_refused(client: FlaskClient, visit: Visits, cursor: str, sort: str) -> None:
    made = visit()
    made.review(client)
    answer = client.get(f"/api/v1/doctors/{made.doctor_id}/reviews", query_string={"cursor": cursor, "sort": sort})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "cursor")


def test_a_cursor_of_the_other_order_or_beyond_the_stars_is_refused(
    client: FlaskClient, built: Built, visit: Visits
) -> None:
    made = visit()
    made.review(client)
    now = built.service._now()
    for sort, key in [("rating", [now, "x"]), ("recent", [5, now, "x"]), ("rating", [2**63, now, "x"])]:
        query = {"cursor": encode_cursor(key), "sort": sort}
        answer = client.get(f"/api/v1/doctors/{made.doctor_id}/reviews", query_string=query)
        assert answer.status_code == 422


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "sort=worst", "page=2", "limit=1&limit=2"])
def test_bad_parameters_are_refused(client: FlaskClient, visit: Visits, query: str) -> None:
    answer = client.get(f"/api/v1/doctors/{visit().doctor_id}/reviews?{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "VALIDATION_FAILED")


def test_the_rating_is_average_count_and_histogram(client: FlaskClient, visit: Visits) -> None:
    doctor_id = new_id()
    for stars in (5, 5, 4):
        visit(doctor_id).review(client, stars)
    assert client.get(f"/api/v1/doctors/{doctor_id}/rating").json["data"] == {
        "average": 4.67,
        "count": 3,
        "histogram": {"1": 0, "2": 0, "3": 0, "4": 1, "5": 2},
    }


def test_a_doctor_without_reviews_has_zeros(client: FlaskClient, built: Built) -> None:
    doctor_id = new_id()
    announce(built, doctor_id)
    data = client.get(f"/api/v1/doctors/{doctor_id}/rating").json["data"]
    assert data == {"average": 0, "count": 0, "histogram": {"1": 0, "2": 0, "3": 0, "4": 0, "5": 0}}
    assert read(client, doctor_id) == {"items": [], "nextCursor": None}


@pytest.mark.parametrize("what", ["reviews", "rating"])
def test_an_unknown_doctor_is_not_there(client: FlaskClient, what: str) -> None:
    answer = client.get(f"/api/v1/doctors/{new_id()}/{what}")
    assert (answer.status_code, answer.json["code"]) == (404, "DOCTOR_NOT_FOUND")


@pytest.mark.parametrize("what", ["reviews", "rating"])
def test_a_doctor_who_is_not_listed_is_not_there(client: FlaskClient, built: Built, visit: Visits, what: str) -> None:
    made = visit()
    made.review(client)
    path = f"/api/v1/doctors/{made.doctor_id}/{what}"
    announce(built, made.doctor_id, version=2, visible=False)
    assert client.get(path).status_code == 404
    announce(built, made.doctor_id, version=1)
    assert client.get(path).status_code == 404, "an older event changes nothing"
    announce(built, made.doctor_id, version=3)
    assert client.get(path).status_code == 200
