"""A person who is erased leaves ratings and nothing else, whatever comes late or at the same time."""

from collections.abc import Callable
from threading import Thread

import pytest
from flask.testing import FlaskClient
from pymongo.client_session import ClientSession
from visits import Visit

from chassis.clock import new_id
from devkit.testing import example
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


def everything(built: Built) -> str:
    names = built.database.db.list_collection_names()
    return repr({name: list(built.database[name].find()) for name in names})


@pytest.mark.parametrize("who", ["patient_id", "doctor_id"])
def test_no_canary_survives_and_nothing_that_comes_late_brings_one_back(
    client: FlaskClient, built: Built, visit: Visits, who: str
) -> None:
    made = visit()
    told = example("doctor-updated", doctorId=made.doctor_id, name="Canary Doctor", specialty="canary-specialty")
    word = events.DoctorUpdated.model_validate(told["data"])
    built.database.transact(lambda session: built.service.doctor_updated(word, session))
    assert made.review(client, 3, name="Canary Patient", comment="canary-comment").status_code == 201
    before = everything(built)
    assert "Canary P." in before
    assert "canary-comment" in before
    assert "Canary Doctor" not in before
    gone = getattr(made, who)
    erase(built, gone)
    after = everything(built)
    assert "canary" not in after.lower()
    assert held(built, gone) == []

    again = events.AppointmentEnded(
        appointment_id=made.id, doctor_id=made.doctor_id, patient_id=made.patient_id, version=9
    )
    built.database.transact(lambda session: built.service.appointment_completed(again, session))
    late = events.DoctorUpdated(doctor_id=gone, version=99, moderation_status="APPROVED", visible=True, active=True)
    built.database.transact(lambda session: built.service.doctor_updated(late, session))
    assert made.review(client, name="Canary Patient", comment="canary-comment").status_code == 409
    assert everything(built) == after


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
