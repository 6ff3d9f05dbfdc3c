"""The real consumer process on the real broker."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from chassis import amqp
from chassis.clock import new_id, now
from devkit.testing import assert_every_queue_is_consumed, bearer, example, publish, queue_state, running
from devkit.waiting import eventually
from scheduler_service.bootstrap import Built


@pytest.fixture(scope="module", autouse=True)
def consumer(env: dict[str, str]) -> Iterator[None]:
    with running("scheduler_service.consumer", env):
        yield


def handled(built: Built, event: dict[str, Any]) -> None:
    eventually(lambda: built.database["inbox"].find_one({"_id": event["id"]}))


def told(built: Built, user_id: str) -> list[str]:
    """What the mails to a person are about, oldest first."""
    return [mail["template"] for mail in built.database["mails"].find({"userId": user_id}).sort("createdAt")]


def appointment(kind: str, version: int, **data: Any) -> dict[str, Any]:
    return example(kind, version=version, **data)


@pytest.fixture
def people() -> dict[str, str]:
    return {"appointmentId": new_id(), "patientId": new_id(), "doctorId": new_id()}


def test_every_subscription_has_its_queue_and_consumer(amqp_url: str) -> None:
    assert_every_queue_is_consumed(amqp_url, "scheduler-service")


def test_patient_and_doctor_are_told_of_each_change(built: Built, amqp_url: str, people: dict[str, str]) -> None:
    for version, kind in enumerate(("appointment-booked", "appointment-cancelled"), 1):
        event = appointment(kind, version, **people)
        publish(amqp_url, event)
        handled(built, event)
    both = ["appointment-booked", "appointment-cancelled"]
    assert told(built, people["patientId"]) == told(built, people["doctorId"]) == both
    mail = built.database["mails"].find_one({"userId": people["doctorId"]})
    assert mail is not None
    assert (mail["status"], mail["attempts"], mail["facts"]["as"]) == ("PENDING", 0, "doctor")
    assert mail["facts"]["timezone"] == "Europe/Paris"


def test_the_same_event_twice_takes_effect_once(built: Built, amqp_url: str, people: dict[str, str]) -> None:
    event = appointment("appointment-booked", 1, **people)
    publish(amqp_url, event)
    handled(built, event)
    # gone as if it had been sent long ago: only the inbox knows the event now
    built.database["mails"].delete_many({"userId": people["patientId"]})
    publish(amqp_url, event)
    name = amqp.queue("scheduler-service", "appointment-service", "appointment-booked")
    after = appointment("appointment-booked", 2, **people)
    publish(amqp_url, after)
    handled(built, after)
    eventually(lambda: queue_state(amqp_url, name)[0] == 0)
    assert told(built, people["patientId"]) == ["appointment-booked"]


def test_the_news_of_a_booking_that_comes_after_its_cancellation_is_not_told(
    built: Built, amqp_url: str, people: dict[str, str]
) -> None:
    for event in (appointment("appointment-cancelled", 2, **people), appointment("appointment-booked", 1, **people)):
        publish(amqp_url, event)
        handled(built, event)
    assert told(built, people["patientId"]) == ["appointment-cancelled"]


def test_a_patient_is_asked_for_a_review_once(built: Built, amqp_url: str, people: dict[str, str]) -> None:
    for version in (3, 5):
        event = appointment("appointment-completed", version, **people)
        publish(amqp_url, event)
        handled(built, event)
    assert told(built, people["patientId"]) == ["review-invitation"]
    assert told(built, people["doctorId"]) == []


def test_a_new_user_is_welcomed_and_no_address_is_kept(built: Built, amqp_url: str) -> None:
    user_id = new_id()
    event = example("user-registered", userId=user_id, email="canary@clinic.example", name="Canary Name")
    publish(amqp_url, event)
    handled(built, event)
    assert told(built, user_id) == ["welcome"]
    stored = repr([list(built.database[name].find()) for name in built.database.db.list_collection_names()])
    assert "canary" not in stored.lower()


def test_an_erased_person_leaves_no_trace_and_a_receipt(
    built: Built, client: FlaskClient, amqp_url: str, people: dict[str, str]
) -> None:
    patient = people["patientId"]
    booked = appointment("appointment-booked", 1, **people)
    publish(amqp_url, booked)
    handled(built, booked)
    client.post("/api/v1/admin/jobs/deliver-mail/run", headers=bearer(patient, role="admin"))
    event = example("user-deleted", userId=patient, version=9)
    publish(amqp_url, event)
    publish(amqp_url, event)
    handled(built, event)
    late = appointment("appointment-cancelled", 2, **people)
    publish(amqp_url, late)
    handled(built, late)
    assert told(built, patient) == []
    assert told(built, people["doctorId"]) == ["appointment-booked", "appointment-cancelled"]
    assert built.database["runs"].find_one({"requestedBy": patient}) is None
    tombstone = built.database["tombstones"].find_one({"_id": patient})
    assert tombstone is not None
    assert [receipt["type"] for receipt in tombstone["outbox"]] == ["user-data-erased"]
    assert tombstone["at"] <= now()


@pytest.mark.parametrize("poison", [{}, [1], "text", {"id": "x", "source": "user-service", "type": "user-deleted"}])
def test_poison_lands_in_the_dead_letters(amqp_url: str, poison: Any) -> None:
    dead = amqp.dead_letters("scheduler-service")
    before = queue_state(amqp_url, dead)[0]
    publish(amqp_url, poison, source="user-service", kind="user-deleted")
    eventually(lambda: queue_state(amqp_url, dead)[0] == before + 1)
