"""Every query uses an index and reads no more than it answers: what the database's profiler saw."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from visits import Visit

from chassis.clock import new_id, now
from review_service import events
from review_service.bootstrap import Built
from review_service.domain import Sort
from review_service.store import SORT_KEYS, Store

Visits = Callable[..., Visit]
DOCTOR = new_id()


@pytest.fixture(scope="module", autouse=True)
def many(built: Built) -> Iterator[None]:
    """600 reviews of one doctor, a fifth of each rating, among as many of others."""
    instant = now()
    documents: list[dict[str, Any]] = [
        {
            "_id": new_id(),
            "appointmentId": new_id(),
            "doctorId": DOCTOR if number % 2 else new_id(),
            "patientId": new_id(),
            "rating": number % 5 + 1,
            "createdAt": instant,
        }
        for number in range(1200)
    ]
    built.database["reviews"].insert_many(documents)
    yield
    built.database["reviews"].delete_many({"_id": {"$in": [document["_id"] for document in documents]}})


@contextmanager
def profiled(built: Built) -> Iterator[list[dict[str, Any]]]:
    """What the database did within the block: filled in at its end."""
    database, seen = built.database.db, list[dict[str, Any]]()
    database.drop_collection("system.profile")
    database.command("profile", 2)
    try:
        yield seen
    finally:
        database.command("profile", 0)
        wanted = {"op": {"$in": ["query", "update", "remove", "command"]}, "planSummary": {"$exists": True}}
        seen += database["system.profile"].find({**wanted, "ns": {"$not": {"$regex": "system"}}})


def assert_indexed(seen: list[dict[str, Any]]) -> None:
    assert seen, "nothing was profiled"
    for operation in seen:
        assert "COLLSCAN" not in operation["planSummary"], operation
        assert not operation.get("hasSortStage"), operation


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("place", [0, 300, 579])
def test_a_page_of_reviews_costs_the_same_however_deep(built: Built, sort: Sort, place: int) -> None:
    store = Store(built.database)
    before = store.reviews_of(DOCTOR, sort, None, place) if place else []
    after = [before[-1][key] for key in SORT_KEYS[sort]] if before else None
    with profiled(built) as seen:
        found = store.reviews_of(DOCTOR, sort, after, 20)
    assert_indexed(seen)
    assert len(found) == 20
    assert not {review["_id"] for review in found} & {review["_id"] for review in before}
    assert sum(operation["docsExamined"] for operation in seen) == 20
    assert sum(operation["keysExamined"] for operation in seen) <= 25


def test_every_route_uses_indexes(client: FlaskClient, built: Built, visit: Visits) -> None:
    made = visit()
    with profiled(built) as seen:
        assert made.review(client).status_code == 201
        assert made.review(client).status_code == 409
        for what in ("reviews", "rating"):
            assert client.get(f"/api/v1/doctors/{made.doctor_id}/{what}").status_code == 200
    assert_indexed(seen)


def test_an_export_reads_the_persons_own_alone(client: FlaskClient, built: Built, visit: Visits) -> None:
    made = visit()
    made.review(client)
    with profiled(built) as seen:
        assert [len(built.service.exported(user)[0]) for user in (made.patient_id, made.doctor_id)] == [1, 0]
    assert_indexed(seen)
    assert sum(operation["docsExamined"] for operation in seen) == 2


def test_every_announcement_that_is_acted_on_uses_indexes(built: Built, visit: Visits) -> None:
    made = visit()
    with profiled(built) as seen:
        visit(made.doctor_id, made.patient_id)
        for user_id in (made.patient_id, made.doctor_id):
            event = events.UserDeleted(user_id=user_id, version=9)
            built.database.transact(lambda session, event=event: built.service.user_deleted(event, session))
    assert_indexed(seen)
