"""Every query uses an index and reads no more than it answers: what the database's profiler saw."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from visits import Visit

from chassis.clock import new_id, now
from devkit import profiling
from devkit.profiling import assert_indexed, profiled
from devkit.testing import bearer
from review_service import events
from review_service.app import create_app
from review_service.bootstrap import Built
from review_service.domain import Sort
from review_service.store import SORT_KEYS, ReviewStore

Visits = Callable[..., Visit]
DOCTOR = new_id()
MANY = 5000


@pytest.fixture(scope="module", autouse=True)
def many(built: Built) -> Iterator[None]:
    """Half of one doctor, a fifth of each rating, a third reported, a fifth answered; some hidden, some deleted."""
    instant = now() - timedelta(days=1)
    documents: list[dict[str, Any]] = [
        {
            "_id": new_id(),
            "appointmentId": new_id(),
            "doctorId": DOCTOR if number % 2 else new_id(),
            "patientId": new_id(),
            "rating": number % 5 + 1,
            "comment": None,
            "author": "Ann L.",
            "createdAt": instant + timedelta(seconds=number // 3),
            "updatedAt": instant,
            "version": 1,
            "reply": {"text": "Thanks.", "at": instant} if number % 5 == 0 else None,
            "hidden": {"reason": "x", "at": instant, "by": new_id()} if number % 100 == 0 else None,
            **({"reports": [{"by": new_id(), "reason": "x", "at": instant}], "reported": True} if number % 3 else {}),
        }
        for number in range(MANY)
    ]
    gone = dict.fromkeys(("doctorId", "patientId", "rating", "comment", "author", "reply", "hidden", "reported"))
    for document in documents[::50]:
        document.update(**gone, reports=[], deletedAt=instant)
    built.database["reviews"].insert_many(documents)
    yield
    built.database["reviews"].delete_many({"_id": {"$in": [document["_id"] for document in documents]}})


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("place", [0, 300, 2300])
def test_a_page_of_reviews_costs_the_same_however_deep(built: Built, sort: Sort, place: int) -> None:
    store = ReviewStore(built.database)
    before = store.of_doctor(DOCTOR, sort, None, place) if place else []
    after = [before[-1][key] for key in SORT_KEYS[sort]] if before else None
    with profiled(built.database) as profile:
        found = store.of_doctor(DOCTOR, sort, after, 20)
        assert_indexed(profile.new(), examined=22)
    assert len(found) == 20
    assert not {review["_id"] for review in found} & {review["_id"] for review in before}


@pytest.mark.parametrize("reported", [None, True, False])
@pytest.mark.parametrize("place", [0, 1500])
def test_a_page_of_the_admins_list_costs_the_same_however_deep(built: Built, reported: bool | None, place: int) -> None:
    store = ReviewStore(built.database)
    before = store.all(reported, None, place) if place else []
    after = [before[-1]["createdAt"], before[-1]["_id"]] if before else None
    with profiled(built.database) as profile:
        found = store.all(reported, after, 20)
        # up to three share the instant of the page's end, and are looked at again
        assert_indexed(profile.new(), examined=24)
    assert len(found) == 20
    assert not {review["_id"] for review in found} & {review["_id"] for review in before}


def test_every_route_uses_indexes(built: Built, visit: Visits) -> None:
    app = create_app(built)
    app.testing = True
    called, client = profiling.Visits(app), app.test_client()
    made = visit()
    author, doctor, admin = (
        bearer(who, role=role)
        for who, role in ((made.patient_id, "patient"), (made.doctor_id, "doctor"), (new_id(), "admin"))
    )
    with profiled(built.database) as profile:
        review_id = made.review(client).json["data"]["id"]
        assert made.review(client).status_code == 409
        path, decided = f"/api/v1/reviews/{review_id}", f"/api/v1/admin/reviews/{review_id}"
        answers = [
            client.get(f"/api/v1/doctors/{made.doctor_id}/rating"),
            *(
                client.get(f"/api/v1/doctors/{made.doctor_id}/reviews", query_string={"sort": sort})
                for sort in ("recent", "rating")
            ),
            client.get(path, headers=author),
            client.get(f"/api/v1/appointments/{made.id}/review", headers=author),
            client.patch(path, json={"rating": 2}, headers=author),
            client.put(f"{path}/reply", json={"text": "x"}, headers=doctor),
            client.delete(f"{path}/reply", headers=doctor),
            *(client.post(f"{path}/report", json={"reason": "x"}, headers=doctor) for _ in range(2)),
            *(
                client.get("/api/v1/admin/reviews", query_string=query, headers=admin)
                for query in ({}, {"reported": "true"}, {"reported": "false"})
            ),
            client.post(f"{decided}/hide", json={"reason": "x"}, headers=admin),
            client.post(f"{decided}/restore", headers=admin),
            client.delete(path, headers=author),
        ]
        assert {answer.status_code for answer in answers} == {200, 202}
        assert_indexed(profile.new(), examined=22)
        days = {"from": "2031-01-01", "to": "2031-12-31"}
        assert client.get("/api/v1/admin/analytics/reviews", query_string=days, headers=admin).status_code == 200
        assert_indexed(profile.new(), examined=1)
    assert called.missing() == set()


def test_an_export_reads_the_persons_own_alone(client: FlaskClient, built: Built, visit: Visits) -> None:
    made, reporter = visit(), new_id()
    review_id = made.review(client).json["data"]["id"]
    built.changes.reply(review_id, made.doctor_id, "Thanks.", None)
    built.changes.report(review_id, reporter, "x")
    for user_id in (made.patient_id, made.doctor_id, reporter):
        with profiled(built.database) as profile:
            held = built.service.exported(user_id)
            assert_indexed(profile.new(), examined=1)
        assert len(held.reviews + held.replied + held.reported) == 1
    with profiled(built.database) as profile:
        replied = len(built.service.exported(DOCTOR).replied)
        assert_indexed(profile.new(), examined=replied)


def test_every_announcement_that_is_acted_on_uses_indexes(client: FlaskClient, built: Built, visit: Visits) -> None:
    made, reporter, admin = visit(), new_id(), new_id()
    review_id = made.review(client).json["data"]["id"]
    built.changes.report(review_id, reporter, "x")
    built.moderation.hide(review_id, admin, "x")
    standing = events.DoctorUpdated(
        doctor_id=made.doctor_id, version=1, moderation_status="APPROVED", visible=True, active=True
    )
    ended = events.AppointmentEnded(
        appointment_id=made.id, doctor_id=made.doctor_id, patient_id=made.patient_id, version=9
    )
    with profiled(built.database) as profile:
        visit(made.doctor_id, made.patient_id)
        built.database.transact(lambda session: built.service.appointment_no_show(ended, session))
        built.database.transact(lambda session: built.service.doctor_updated(standing, session))
        for user_id in (admin, reporter, made.patient_id, made.doctor_id):
            event = events.UserDeleted(user_id=user_id, version=9)
            built.database.transact(lambda session, event=event: built.service.user_deleted(event, session))
        assert_indexed(profile.new(), examined=2)


@pytest.mark.parametrize("index", ["by_time", "reported_by_time", "reported_by", "hidden_by"])
def test_without_an_index_it_would_be_seen(built: Built, index: str) -> None:
    reviews, store = built.database["reviews"], ReviewStore(built.database)
    definition = reviews.index_information()[index]
    reviews.drop_index(index)
    try:
        with profiled(built.database) as profile:
            store.all(None, None, 20)
            store.all(True, None, 20)
            store.reported_by(new_id())
            built.database.transact(lambda session: store.erase(new_id(), now(), session))
            with pytest.raises(AssertionError):
                assert_indexed(profile.new(), examined=22)
    finally:
        keys = definition.pop("key")
        definition.pop("v")
        reviews.create_index(keys, name=index, **definition)


def test_what_is_hidden_costs_its_doctors_lists_nothing(built: Built) -> None:
    doctor, instant = new_id(), now()
    reviews = [
        {
            "_id": new_id(),
            "appointmentId": new_id(),
            "doctorId": doctor,
            "rating": 5 - number // 1000,
            "createdAt": instant - timedelta(seconds=number),
            # the newest and best, as a campaign leaves them
            **({"hidden": {"reason": "x", "at": instant, "by": "admin"}} if number < 1000 else {}),
        }
        for number in range(1100)
    ]
    built.database["reviews"].insert_many(reviews)
    store = ReviewStore(built.database)
    with profiled(built.database) as profile:
        for sort in Sort:
            first = store.of_doctor(doctor, sort, None, 21)
            assert len(store.of_doctor(doctor, sort, [first[-1][key] for key in SORT_KEYS[sort]], 21)) == 21
        assert_indexed(profile.new(), examined=23)
    built.database["reviews"].delete_many({"doctorId": doctor})
