"""A person who is erased leaves ratings and nothing else, whatever comes late or at the same time."""

from collections.abc import Callable
from threading import Thread

import pytest
from flask.testing import FlaskClient
from pymongo.client_session import ClientSession
from visits import Visit

from chassis.clock import new_id
from devkit.documents import everything_in
from devkit.testing import bearer, example
from review_service import events
from review_service.bootstrap import Built

Visits = Callable[..., Visit]


def erase(built: Built, user_id: str) -> None:
    event = events.UserDeleted(user_id=user_id, version=9)
    built.database.transact(lambda session: built.service.user_deleted(event, session))


def held(built: Built, user_id: str) -> list[str]:
    """The collections where the id still is, tombstones apart."""
    names = [name for name in built.database.db.list_collection_names() if name not in ("tombstones", "inbox")]
    return [
        name
        for name in names
        if any(user_id in repr({**document, "outbox": None}) for document in built.database[name].find())
    ]


def test_a_patients_reviews_stay_without_name_and_text(client: FlaskClient, built: Built, visit: Visits) -> None:
    made = visit()
    made.review(client, 4, comment="I am Ann Lee.")
    erase(built, made.patient_id)
    [item] = client.get(f"/api/v1/doctors/{made.doctor_id}/reviews").json["data"]["items"]
    assert (item["rating"], item["comment"], item["author"], item["version"]) == (
        4,
        None,
        "Former patient",
        2,
    )
    assert client.get(f"/api/v1/doctors/{made.doctor_id}/rating").json["data"]["count"] == 1
    assert held(built, made.patient_id) == []


def test_a_doctors_reviews_stay_as_anonymous_statistics(client: FlaskClient, built: Built, visit: Visits) -> None:
    made = visit()
    review_id = made.review(client, 2, comment="Late.").json["data"]["id"]
    erase(built, made.doctor_id)
    stored = built.database["reviews"].find_one({"_id": review_id})
    assert stored
    assert {key: stored[key] for key in ("doctorId", "patientId", "comment", "author", "rating")} == {
        "doctorId": None,
        "patientId": None,
        "comment": None,
        "author": "Former patient",
        "rating": 2,
    }
    assert held(built, made.doctor_id) == []
    for what in ("reviews", "rating"):
        assert client.get(f"/api/v1/doctors/{made.doctor_id}/{what}").status_code == 404
    assert made.review(client).json["code"] == "NOT_REVIEWABLE"


def test_a_reporter_and_an_admin_are_forgotten_and_what_they_did_stays(
    client: FlaskClient, built: Built, visit: Visits
) -> None:
    made, reporters, admin = visit(), [new_id(), new_id()], new_id()
    review_id = made.review(client, 2, comment="Late.").json["data"]["id"]
    for reporter in reporters:
        built.changes.report(review_id, reporter, f"reason of {reporter}")
    built.moderation.hide(review_id, admin, "Rude.")
    built.database["reviews"].update_one({"_id": review_id}, {"$set": {"outbox": []}})
    for gone in (reporters[0], admin):
        erase(built, gone)
        assert held(built, gone) == []
    stored = built.database["reviews"].find_one({"_id": review_id})
    assert stored
    assert [(report["by"], report["reason"]) for report in stored["reports"]] == [
        (None, None),
        (reporters[1], f"reason of {reporters[1]}"),
    ]
    assert (stored["hidden"]["by"], stored["hidden"]["reason"], stored["comment"]) == (None, "Rude.", "Late.")
    [item] = built.moderation.all(True, None, 1)
    assert item["_id"] == review_id


def test_a_doctor_who_is_erased_gets_no_figures_back_by_what_a_review_goes_through(
    client: FlaskClient, built: Built, visit: Visits
) -> None:
    made = visit()
    review_id = made.review(client, 2).json["data"]["id"]
    erase(built, made.doctor_id)
    built.moderation.hide(review_id, new_id(), "x")
    built.moderation.restore(review_id, new_id())
    assert built.database["ratings"].find_one({"_id": made.doctor_id}) is None
    assert built.database["ratings"].find_one({"_id": None}) is None
    stored = built.database["reviews"].find_one({"_id": review_id})
    assert stored
    assert [event["type"] for event in stored["outbox"]] == ["review-posted", "audit-recorded", "audit-recorded"]


def test_who_was_not_known_is_erased_with_a_receipt_too(built: Built) -> None:
    user_id = new_id()
    erase(built, user_id)
    tombstone = built.database["tombstones"].find_one({"_id": user_id})
    assert tombstone
    [receipt] = tombstone["outbox"]
    assert (receipt["type"], receipt["data"]["userId"]) == ("user-data-erased", user_id)


@pytest.mark.parametrize("who", ["patient_id", "doctor_id"])
def test_an_appointment_told_of_after_the_erasure_makes_no_visit(built: Built, visit: Visits, who: str) -> None:
    gone = new_id()
    erase(built, gone)
    late = visit(**{who: gone})
    assert built.database["visits"].find_one({"_id": late.id}) is None


def test_a_doctor_told_of_after_the_erasure_stays_unknown(built: Built) -> None:
    gone = new_id()
    erase(built, gone)
    event = events.DoctorUpdated(doctor_id=gone, version=99, moderation_status="APPROVED", visible=True, active=True)
    built.database.transact(lambda session: built.service.doctor_updated(event, session))
    assert held(built, gone) == []


def _surround_with_words(client: FlaskClient, built: Built, made: Visit) -> None:
    """A reply, a report and a decision, all on the review of the visit."""
    review = built.database["reviews"].find_one({"appointmentId": made.id})
    assert review
    path, doctor = f"/api/v1/reviews/{review['_id']}", bearer(made.doctor_id, role="doctor")
    assert client.put(f"{path}/reply", json={"text": "canary-reply"}, headers=doctor).status_code == 200
    assert client.post(f"{path}/report", json={"reason": "canary-report"}, headers=doctor).status_code == 202
    built.moderation.hide(review["_id"], new_id(), "canary-hidden")


@pytest.mark.parametrize("who", ["patient_id", "doctor_id"])
def test_no_canary_survives_and_nothing_that_comes_late_brings_one_back(
    client: FlaskClient, built: Built, visit: Visits, who: str
) -> None:
    made = visit()
    told = example("doctor-updated", doctorId=made.doctor_id, name="Canary Doctor", specialty="canary-specialty")
    word = events.DoctorUpdated.model_validate(told["data"])
    built.database.transact(lambda session: built.service.doctor_updated(word, session))
    assert made.review(client, 3, name="Canary Patient", comment="canary-comment").status_code == 201
    _surround_with_words(client, built, made)
    before = everything_in(built.database)
    assert "Canary P." in before
    for text in ("canary-reply", "canary-report", "canary-hidden"):
        assert text in before
    assert "canary-comment" in before
    assert "Canary Doctor" not in before
    gone = getattr(made, who)
    erase(built, gone)
    after = everything_in(built.database)
    assert "canary" not in after.lower()
    assert held(built, gone) == []

    again = events.AppointmentEnded(
        appointment_id=made.id, doctor_id=made.doctor_id, patient_id=made.patient_id, version=9
    )
    built.database.transact(lambda session: built.service.appointment_completed(again, session))
    late = events.DoctorUpdated(doctor_id=gone, version=99, moderation_status="APPROVED", visible=True, active=True)
    built.database.transact(lambda session: built.service.doctor_updated(late, session))
    assert made.review(client, name="Canary Patient", comment="canary-comment").status_code == 409
    assert everything_in(built.database) == after


def test_an_erasure_that_is_announced_anew_is_answered_anew_and_changes_nothing(
    client: FlaskClient, built: Built, visit: Visits
) -> None:
    made = visit()
    made.review(client, 4, comment="I am Ann Lee.")
    erase(built, made.patient_id)
    review = built.database["reviews"].find_one({"appointmentId": made.id})
    erase(built, made.patient_id)
    assert built.database["reviews"].find_one({"appointmentId": made.id}) == review
    tombstone = built.database["tombstones"].find_one({"_id": made.patient_id})
    assert tombstone
    assert [receipt["type"] for receipt in tombstone["outbox"]] == ["user-data-erased"] * 2


def during(built: Built, effect: Callable[[ClientSession], object], user_id: str) -> None:
    """Erase the user while a transaction has taken ``effect`` but not committed: the worst moment."""
    with built.database.client.start_session() as session:
        session.start_transaction()
        effect(session)
        erasure = Thread(target=erase, args=(built, user_id))
        erasure.start()
        # an erasure that sees no conflict ends here; one that does repeats itself until the commit below
        erasure.join(1)
        session.commit_transaction()
        erasure.join()


@pytest.mark.parametrize("who", ["patient_id", "doctor_id"])
def test_a_visit_noted_during_the_erasure_does_not_outlive_it(built: Built, who: str) -> None:
    people = {"patient_id": new_id(), "doctor_id": new_id()}
    event = events.AppointmentEnded(appointment_id=new_id(), version=3, **people)
    during(built, lambda session: built.service.appointment_completed(event, session), people[who])
    assert held(built, people[who]) == []


def test_a_doctor_noted_during_the_erasure_does_not_outlive_it(built: Built) -> None:
    event = events.DoctorUpdated(doctor_id=new_id(), version=1, moderation_status="APPROVED", visible=True, active=True)
    during(built, lambda session: built.service.doctor_updated(event, session), event.doctor_id)
    assert held(built, event.doctor_id) == []


@pytest.mark.parametrize("who", ["patient_id", "doctor_id"])
def test_a_review_posted_during_the_erasure_does_not_outlive_it(
    built: Built, visit: Visits, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = visit()
    gone = getattr(made, who)

    def post(session: ClientSession) -> None:
        with monkeypatch.context() as patch:
            # the use case's own transaction is the one that is held open here
            patch.setattr(built.service._database, "transact", lambda work: work(session))
            built.service.post_review(made.id, made.patient_id, "Ann Lee", 5, "I am Ann Lee.")

    during(built, post, gone)
    assert held(built, gone) == []
    stored = built.database["reviews"].find_one({"appointmentId": made.id})
    assert stored is None or stored["comment"] is None


@pytest.mark.parametrize("role", ["author", "doctor", "reporter", "admin"])
def test_a_change_made_during_the_erasure_does_not_outlive_it(
    built: Built, client: FlaskClient, visit: Visits, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = visit()
    review_id = made.review(client, 3).json["data"]["id"]
    gone = {"author": made.patient_id, "doctor": made.doctor_id}.get(role) or new_id()
    change: dict[str, Callable[[], object]] = {
        "author": lambda: built.changes.edit(review_id, gone, {"comment": "canary"}, None),
        "doctor": lambda: built.changes.reply(review_id, gone, "canary", None),
        "reporter": lambda: built.changes.report(review_id, gone, "canary"),
        "admin": lambda: built.moderation.hide(review_id, gone, "Rude."),
    }

    def act(session: ClientSession) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(built.service._database, "transact", lambda work: work(session))
            change[role]()

    during(built, act, gone)
    assert held(built, gone) == []
    assert "canary" not in repr(built.database["reviews"].find_one({"_id": review_id}))
