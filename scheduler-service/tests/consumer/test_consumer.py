"""The real consumer process on the real broker."""

from collections.abc import Iterator
from typing import Any

import pika
import pytest
from flask.testing import FlaskClient
from stand_ins import peer

from chassis import amqp
from chassis.clock import new_id, now
from chassis.rpc import RpcClient
from devkit.testing import assert_every_queue_is_consumed, bearer, example, publish, queue_state, running
from devkit.waiting import eventually
from scheduler_service.bootstrap import Built
from scheduler_service.broker import QUEUE


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


def test_tokens_are_announced_as_requests_and_the_mail_holds_no_more_than_that(built: Built, amqp_url: str) -> None:
    user_id = new_id()
    for kind in ("password-reset-requested", "email-verification-requested"):
        event = example(kind, userId=user_id, requestId=new_id())
        publish(amqp_url, event)
        handled(built, event)
        mail = built.database["mails"].find_one({"_id": {"$regex": event["subject"]}})
        assert mail is not None
        assert mail["facts"] == {"requestId": event["subject"]}
    changed = example("password-changed", userId=user_id)
    for _ in range(2):
        publish(amqp_url, changed)
        handled(built, changed)
    assert told(built, user_id) == ["password-reset", "email-verification", "password-changed"]


def test_an_export_tells_the_mails_and_runs_of_that_person_and_of_nobody_else(
    built: Built, client: FlaskClient, amqp_url: str, people: dict[str, str]
) -> None:
    patient = people["patientId"]
    for event in (
        appointment("appointment-booked", 1, **people),
        example("password-reset-requested", userId=patient, requestId=new_id()),
    ):
        publish(amqp_url, event)
        handled(built, event)
    run = client.post("/api/v1/admin/jobs/deliver-mail/run", headers=bearer(patient, role="admin")).json["data"]
    rpc = RpcClient(amqp_url)
    exported = rpc.call("scheduler-service", "export_user", timeout=10, user_id=patient)
    booked, reset = exported["mails"]
    assert (booked["template"], booked["status"], booked["sentAt"]) == ("appointment-booked", "PENDING", None)
    assert booked["appointmentId"] == people["appointmentId"]
    assert booked["facts"]["start"].endswith("Z")
    assert reset["template"] == "password-reset"
    assert people["doctorId"] not in repr(exported)
    assert [(told["id"], told["job"]) for told in exported["runs"]] == [(run["id"], "deliver-mail")]
    nobody = rpc.call("scheduler-service", "export_user", timeout=10, user_id=new_id())
    assert nobody == {"mails": [], "reminders": [], "runs": []}


def every_event_about(person: str, doctor: str) -> list[dict[str, Any]]:
    """One of each kind that this service acts on, all about one person, with a canary wherever there is text."""
    both = {"appointmentId": new_id(), "patientId": person, "doctorId": doctor}
    return [
        example("user-registered", userId=person, email="canary@clinic.example", name="Canary Name"),
        example("email-verification-requested", userId=person, requestId=new_id()),
        example("password-reset-requested", userId=person, requestId=new_id()),
        example("password-changed", userId=person),
        *(appointment(f"appointment-{what}", version, **both, **AHEAD) for version, what in enumerate(STEPS, 1)),
        example("waitlist-offered", entryId=new_id(), patientId=person, doctorId=doctor, expiresAt=AHEAD["end"]),
    ]


AHEAD = {"start": "2999-01-01T09:00:00.000Z", "end": "2999-01-01T09:30:00.000Z"}
STEPS = ("requested", "booked", "completed", "no-show", "cancelled", "checked-in", "rescheduled")


def test_an_erasure_leaves_a_bare_id_in_the_tombstone_and_the_audit_and_late_events_bring_nothing_back(
    built: Built, client: FlaskClient, amqp_url: str
) -> None:
    person, doctor = new_id(), new_id()
    path = "/api/v1/admin/jobs/deliver-mail/run"
    client.post(path, headers=bearer(person, role="admin", name="Canary Name", email="canary@clinic.example"))
    for event in every_event_about(person, doctor):
        publish(amqp_url, event)
        handled(built, event)
    # those that were tried are among them
    present = {"status": "BOOKED", "version": 7, "ics": "BEGIN:VCALENDAR canary END:VCALENDAR"}
    users = {"email": "bad-canary@clinic.example", "name": "Canary Name", "timezone": None, "status": "ACTIVE"}
    tokens = {"token": "canary-token", "expiresAt": "2999-01-01T00:00:00.000Z"}
    with (
        peer(amqp_url, "user-service", contact=lambda user_id: users),
        peer(amqp_url, "auth-service", one_time_token=lambda token_request_id: tokens),
    ):
        assert built.delivery.deliver(lambda: True) == {"pending": 5, "reason": "appointment-service is away"}
        with peer(amqp_url, "appointment-service", appointment_now=lambda appointment_id, user_id: present):
            built.database["mails"].update_many({"attempts": 0}, {"$set": {"nextAttemptAt": now()}})
            assert built.delivery.deliver(lambda: True) == {"pending": 4, "dropped": 5}
    assert built.database["reminders"].count_documents({"userId": person}) == 2
    gone = example("user-deleted", userId=person, version=9)
    publish(amqp_url, gone)
    handled(built, gone)
    for event in every_event_about(person, doctor):
        publish(amqp_url, event)
        handled(built, event)
    left: dict[str, list[dict[str, Any]]] = {
        name: list(built.database[name].find()) for name in built.database.db.list_collection_names()
    }
    assert "canary" not in repr(left).lower()
    assert told(built, person) == []
    # the other side's own mails stay, and name nobody
    steps = ["requested", "booked", "cancelled", "rescheduled"]
    assert told(built, doctor) == [f"appointment-{step}" for step in steps] * 2
    (run,) = [run for run in left.pop("runs") if person in repr(run)]
    assert [entry["data"]["action"] for entry in run.pop("outbox")] == ["job.started"]
    assert person not in repr(run)
    (tombstone,) = [stone for stone in left.pop("tombstones") if stone["_id"] == person]
    assert tombstone.keys() == {"_id", "at", "outbox"}
    assert person not in repr(left)


def test_nothing_of_a_person_is_in_the_queue_of_tasks(built: Built, client: FlaskClient, amqp_url: str) -> None:
    person = new_id()
    headers = bearer(person, role="admin", name="Canary Name", email="canary@clinic.example")
    run = client.post("/api/v1/admin/jobs/deliver-mail/run", headers=headers).json["data"]
    seen = []
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        while (got := channel.basic_get(QUEUE, auto_ack=True))[0] is not None:
            seen.append(repr(got))
    assert any(run["id"] in message for message in seen)
    assert person not in repr(seen)
    assert "canary" not in repr(seen).lower()


def test_an_erasure_that_is_announced_again_is_answered_again(built: Built, amqp_url: str) -> None:
    person = new_id()
    for _ in range(2):
        event = example("user-deleted", userId=person, version=9)
        publish(amqp_url, event)
        # the same delivered twice is one
        publish(amqp_url, event)
        handled(built, event)
    tombstone = built.database["tombstones"].find_one({"_id": person})
    assert tombstone is not None
    assert [receipt["type"] for receipt in tombstone["outbox"]] == ["user-data-erased"] * 2


@pytest.mark.parametrize("poison", [{}, [1], "text", {"id": "x", "source": "user-service", "type": "user-deleted"}])
def test_poison_lands_in_the_dead_letters(amqp_url: str, poison: Any) -> None:
    dead = amqp.dead_letters("scheduler-service")
    before = queue_state(amqp_url, dead)[0]
    publish(amqp_url, poison, source="user-service", kind="user-deleted")
    eventually(lambda: queue_state(amqp_url, dead)[0] == before + 1)
