"""The real consumer process on the real broker."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from visits import Visit

from chassis import amqp
from chassis.clock import new_id
from chassis.rpc import RpcClient
from devkit.testing import Running, assert_every_queue_is_consumed, bearer, example, publish, queue_state, running
from devkit.waiting import eventually
from review_service.bootstrap import Built


@pytest.fixture(scope="module", autouse=True)
def consumer(env: dict[str, str]) -> Iterator[Running]:
    with running("review_service.consumer", env) as process:
        yield process


@pytest.fixture
def visit(amqp_url: str, built: Built) -> Visit:
    """A completed appointment, announced."""
    made = Visit(new_id(), new_id(), new_id())
    event = example("appointment-completed", appointmentId=made.id, doctorId=made.doctor_id, patientId=made.patient_id)
    publish(amqp_url, event)
    eventually(lambda: built.database["visits"].find_one({"_id": made.id}))
    return made


def test_every_subscription_has_its_queue_and_consumer(amqp_url: str) -> None:
    assert_every_queue_is_consumed(amqp_url, "review-service")


def test_a_completed_appointment_can_be_reviewed(client: FlaskClient, visit: Visit) -> None:
    assert visit.review(client).status_code == 201


def test_an_older_word_on_a_doctor_that_comes_late_changes_nothing(
    client: FlaskClient, amqp_url: str, built: Built
) -> None:
    doctor_id = new_id()
    publish(amqp_url, example("doctor-updated", doctorId=doctor_id, version=3, visible=False))
    eventually(lambda: built.database["doctors"].find_one({"_id": doctor_id}))
    late = example("doctor-updated", doctorId=doctor_id, version=2, visible=True)
    publish(amqp_url, late)
    eventually(lambda: built.database["inbox"].find_one({"_id": late["id"]}))
    assert client.get(f"/api/v1/doctors/{doctor_id}/rating").status_code == 404


def test_the_same_event_twice_takes_effect_once(
    client: FlaskClient, amqp_url: str, built: Built, visit: Visit, consumer: Running
) -> None:
    visit.review(client, 5, comment="I am Ann Lee.")
    event = example("user-deleted", userId=visit.patient_id)
    publish(amqp_url, event)
    publish(amqp_url, event)
    # the consumer logs one line for each delivery
    eventually(lambda: consumer.output().count(event["id"]) == 2)
    tombstone = built.database["tombstones"].find_one({"_id": visit.patient_id})
    assert tombstone
    assert [receipt["type"] for receipt in tombstone["outbox"]] == ["user-data-erased"]
    [review] = client.get(f"/api/v1/doctors/{visit.doctor_id}/reviews").json["data"]["items"]
    assert (review["author"], review["comment"], review["version"]) == ("Former patient", None, 2)


def test_a_no_show_cannot_be_reviewed_even_if_it_was_taken_for_completed(
    client: FlaskClient, amqp_url: str, built: Built, visit: Visit
) -> None:
    people = {"doctorId": visit.doctor_id, "patientId": visit.patient_id}
    publish(amqp_url, example("appointment-no-show", appointmentId=visit.id, version=9, **people))
    eventually(lambda: built.database["visits"].find_one({"_id": visit.id, "noShowVersion": 9}))
    answer = visit.review(client)
    assert (answer.status_code, answer.json["code"]) == (409, "NOT_REVIEWABLE")


def test_an_export_tells_everybody_their_own_words_and_a_doctor_the_figures(
    client: FlaskClient, amqp_url: str, visit: Visit
) -> None:
    posted = visit.review(client, 4, comment="Kind and on time.").json["data"]
    path, doctor, reporter = f"/api/v1/reviews/{posted['id']}", visit.doctor_id, new_id()
    assert client.put(f"{path}/reply", json={"text": "Thanks."}, headers=bearer(doctor, role="doctor")).json["success"]
    for who, reason in ((reporter, "Spam."), (new_id(), "Another's.")):
        assert client.post(f"{path}/report", json={"reason": reason}, headers=bearer(who)).status_code == 202
    rpc = RpcClient(amqp_url)
    nothing = {"reviews": [], "replies": [], "reports": [], "rating": None}
    told = rpc.call("review-service", "export_user", user_id=visit.patient_id)
    [review] = told["reviews"]
    assert review.keys() == posted.keys() - {"reply"}
    assert (review["id"], review["comment"], review["appointmentId"]) == (posted["id"], "Kind and on time.", visit.id)
    assert told == {**nothing, "reviews": [review]}
    told = rpc.call("review-service", "export_user", user_id=doctor)
    [reply] = told["replies"]
    assert (reply["reviewId"], reply["text"], reply.keys()) == (posted["id"], "Thanks.", {"reviewId", "text", "at"})
    rating = {"average": 4.0, "count": 1, "histogram": {"1": 0, "2": 0, "3": 0, "4": 1, "5": 0}}
    assert told == {**nothing, "replies": [reply], "rating": rating}
    told = rpc.call("review-service", "export_user", user_id=reporter)
    [report] = told["reports"]
    assert (report["reviewId"], report["reason"], report.keys()) == (
        posted["id"],
        "Spam.",
        {"reviewId", "reason", "at"},
    )
    assert told == {**nothing, "reports": [report]}
    assert rpc.call("review-service", "export_user", user_id=new_id()) == nothing


@pytest.mark.parametrize("poison", [{}, [1], "text", {"id": "x", "source": "user-service", "type": "user-deleted"}])
def test_poison_lands_in_the_dead_letters(amqp_url: str, poison: Any) -> None:
    dead = amqp.dead_letters("review-service")
    before = queue_state(amqp_url, dead)[0]
    publish(amqp_url, poison, source="user-service", kind="user-deleted")
    eventually(lambda: queue_state(amqp_url, dead)[0] == before + 1)
