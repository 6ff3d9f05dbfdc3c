"""The real consumer and relay processes on the real broker."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pika
import pytest

from chassis import amqp
from chassis.clock import new_id
from chassis.rpc import RpcClient
from devkit.testing import (
    Running,
    assert_every_queue_is_consumed,
    assert_valid,
    example,
    publish,
    queue_state,
    running,
)
from devkit.waiting import eventually
from doctor_service.bootstrap import Built

Make = Callable[..., Any]
Outbox = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="module", autouse=True)
def consumer(env: dict[str, str]) -> Iterator[Running]:
    with running("doctor_service.consumer", env) as process:
        yield process


@pytest.fixture
def stored(built: Built) -> Callable[[str], Any]:
    return lambda doctor_id: built.database["doctors"].find_one({"_id": doctor_id})


@pytest.fixture
def deliver(amqp_url: str, built: Built) -> Callable[[dict[str, Any]], None]:
    """Publish an event and wait until it was handled."""

    def send(event: dict[str, Any]) -> None:
        publish(amqp_url, event)
        eventually(lambda: built.database["inbox"].find_one({"_id": event["id"]}))

    return send


def user(kind: str, user_id: str, version: int, role: str = "doctor", **data: Any) -> dict[str, Any]:
    return example(kind, userId=user_id, role=role, version=version, **data)


def review(doctor_id: str, average: float, count: int, version: int, kind: str = "posted") -> dict[str, Any]:
    rating = {"average": average, "count": count, "version": version}
    return example(f"review-{kind}", reviewId=new_id(), doctorId=doctor_id, doctorRating=rating)


def free(doctor_id: str, version: int, start: str | None) -> dict[str, Any]:
    slot = start and {"start": start, "end": start.replace(":00:00", ":30:00")}
    return example("next-available-changed", doctorId=doctor_id, version=version, nextAvailable=slot)


def test_every_subscription_has_its_queue_and_consumer(amqp_url: str) -> None:
    assert_every_queue_is_consumed(amqp_url, "doctor-service")


def test_a_new_name_is_taken_over_and_told(listed: Make, deliver: Make, anyone: Any, outbox: Outbox) -> None:
    doctor = listed("Amara Oyelaran")
    deliver(user("user-updated", doctor.id, 2, name="Amara Bello"))
    assert anyone.get(f"/doctors/{doctor.id}")["name"] == "Amara Bello"
    assert (outbox(doctor.id)[-1]["data"]["name"], outbox(doctor.id)[-1]["data"]["version"]) == ("Amara Bello", 3)


def test_a_change_of_the_user_that_leaves_the_name_is_no_change_of_the_doctor(
    listed: Make, deliver: Make, stored: Make
) -> None:
    doctor = listed("Amara Oyelaran")
    before = stored(doctor.id)
    deliver(user("user-updated", doctor.id, 2, name="Amara Oyelaran", locale="en-GB"))
    assert stored(doctor.id) == {**before, "nameVersion": 2}


def test_a_deactivated_doctor_is_not_listed_until_recovered(
    listed: Make, deliver: Make, anyone: Any, outbox: Outbox
) -> None:
    doctor = listed()
    deliver(user("user-deactivated", doctor.id, 2))
    assert anyone.call("GET", f"/doctors/{doctor.id}").status_code == 404
    assert outbox(doctor.id)[-1]["data"]["active"] is False
    deliver(user("user-recovered", doctor.id, 3))
    assert anyone.get(f"/doctors/{doctor.id}")["id"] == doctor.id
    assert [event["data"]["active"] for event in outbox(doctor.id)] == [True, True, False, True]


def test_a_suspended_account_is_not_listed_until_reinstated(
    listed: Make, deliver: Make, anyone: Any, outbox: Outbox
) -> None:
    doctor = listed()
    deliver(user("user-suspended", doctor.id, 2))
    assert anyone.call("GET", f"/doctors/{doctor.id}").status_code == 404
    deliver(user("user-reinstated", doctor.id, 3))
    assert anyone.get(f"/doctors/{doctor.id}")["id"] == doctor.id
    assert [event["data"]["active"] for event in outbox(doctor.id)] == [True, True, False, True]


@pytest.mark.parametrize(
    ("newer", "older", "active"),
    [
        ("user-reinstated", "user-suspended", True),
        ("user-reinstated", "user-deactivated", True),
        ("user-suspended", "user-recovered", False),
        ("user-deactivated", "user-reinstated", False),
    ],
)
def test_of_the_two_ways_to_be_away_the_newest_word_decides_in_any_order(
    listed: Make, deliver: Make, stored: Make, newer: str, older: str, active: bool
) -> None:
    doctor = listed()
    deliver(user(newer, doctor.id, 5))
    deliver(user(older, doctor.id, 4))
    assert (stored(doctor.id)["active"], stored(doctor.id)["listed"]) == (active, active)


def test_an_older_event_that_comes_late_changes_nothing(listed: Make, deliver: Make, anyone: Any, stored: Make) -> None:
    doctor = listed()
    deliver(user("user-updated", doctor.id, 5, name="Newest"))
    deliver(user("user-updated", doctor.id, 4, name="Older"))
    assert anyone.get(f"/doctors/{doctor.id}")["name"] == "Newest"
    # name and status come in events of their own: a newer name does not make a status old
    deliver(user("user-deactivated", doctor.id, 3))
    assert stored(doctor.id)["active"] is False
    deliver(user("user-recovered", doctor.id, 6))
    deliver(user("user-deactivated", doctor.id, 4))
    assert stored(doctor.id)["active"] is True


def test_a_rating_is_taken_over_if_it_is_newer_and_makes_no_version(
    listed: Make, deliver: Make, anyone: Any, stored: Make, outbox: Outbox
) -> None:
    doctor = listed()
    before = (stored(doctor.id)["version"], outbox(doctor.id))
    deliver(review(doctor.id, 4.5, 2, 3))
    deliver(review(doctor.id, 5, 1, 2))
    assert anyone.get(f"/doctors/{doctor.id}")["rating"] == {"average": 4.5, "count": 2}
    # the one review was taken back, and what was said of it before comes late
    deliver(review(doctor.id, 0, 0, 5, "changed"))
    deliver(review(doctor.id, 4, 2, 4, "changed"))
    assert anyone.get(f"/doctors/{doctor.id}")["rating"] == {"average": 0, "count": 0}
    assert (stored(doctor.id)["version"], outbox(doctor.id)) == before


def test_the_next_free_slot_is_taken_over_if_it_is_newer_and_makes_no_version(
    listed: Make, deliver: Make, anyone: Any, stored: Make, outbox: Outbox
) -> None:
    doctor = listed()
    before = (stored(doctor.id)["version"], outbox(doctor.id))
    deliver(free(doctor.id, 2, "2040-04-02T08:00:00Z"))
    deliver(free(doctor.id, 1, "2040-04-01T08:00:00Z"))
    assert anyone.get(f"/doctors/{doctor.id}")["nextAvailable"] == "2040-04-02T08:00:00Z"
    deliver(free(doctor.id, 3, None))
    assert anyone.get(f"/doctors/{doctor.id}")["nextAvailable"] is None
    assert (stored(doctor.id)["version"], outbox(doctor.id)) == before


@pytest.mark.parametrize(
    "event",
    [
        lambda user_id: user("user-updated", user_id, 2, name="Nobody"),
        lambda user_id: user("user-deactivated", user_id, 2),
        lambda user_id: user("user-recovered", user_id, 2),
        lambda user_id: user("user-suspended", user_id, 2),
        lambda user_id: user("user-reinstated", user_id, 2),
        lambda user_id: review(user_id, 5, 1, 1),
        lambda user_id: review(user_id, 5, 1, 1, "changed"),
        lambda user_id: free(user_id, 1, "2040-04-01T08:00:00Z"),
    ],
)
def test_events_about_somebody_without_a_profile_do_nothing(deliver: Make, stored: Make, event: Make) -> None:
    user_id = new_id()
    deliver(event(user_id))
    assert stored(user_id) is None


def test_an_export_tells_a_doctor_all_that_is_held_and_nobody_elses(
    listed: Make, person: Make, admin: Any, amqp_url: str
) -> None:
    doctor, follower = listed("Amara Oyelaran", fee={"amount": 49.95, "currency": "EUR"}), person("patient")
    follower.call("PUT", f"/doctors/{doctor.id}/follow")
    doctor.call("PUT", "/doctors/me/availability/overrides/2031-04-09", {"windows": [], "reason": "a wedding"})
    told = RpcClient(amqp_url).call("doctor-service", "export_user", user_id=doctor.id)
    assert [line["status"] for line in told["profile"]["moderationHistory"]] == ["PENDING", "APPROVED"]
    assert told["profile"].keys() == {*doctor.get("/doctors/me"), "moderationHistory"}
    assert told["profile"]["followers"] == 1
    assert told["profile"]["fee"] == {"amount": 49.95, "currency": "EUR"}
    assert told["overrides"] == [{"date": "2031-04-09", "windows": [], "reason": "a wedding"}]
    assert (told["availability"], told["following"]) == (None, [])
    assert follower.id not in repr(told)
    assert admin.id not in repr(told)


def test_an_export_tells_a_patient_whom_they_follow(listed: Make, person: Make, amqp_url: str) -> None:
    patient, doctors = person("patient"), [listed().id for _ in range(2)]
    for doctor_id in doctors:
        patient.call("PUT", f"/doctors/{doctor_id}/follow")
    told = RpcClient(amqp_url).call("doctor-service", "export_user", user_id=patient.id)
    assert {follow["doctorId"] for follow in told["following"]} == set(doctors)
    assert all(follow["followedAt"].endswith("Z") for follow in told["following"])
    nobody = RpcClient(amqp_url).call("doctor-service", "export_user", user_id=new_id())
    assert nobody == {"profile": None, "availability": None, "overrides": [], "following": []}


def test_a_deleted_doctor_is_erased_and_the_receipt_is_given(
    listed: Make, person: Make, deliver: Make, built: Built
) -> None:
    doctor, patient = listed(), person("patient")
    patient.call("PUT", f"/doctors/{doctor.id}/follow")
    doctor.call("PUT", "/doctors/me/availability/overrides/2031-04-09", {"windows": [], "reason": "a canary"})
    deliver(user("user-deleted", doctor.id, 9))
    assert patient.get("/users/me/following")["items"] == []
    left = {
        name: list(built.database[name].find({"$or": [{"_id": doctor.id}, {"doctorId": doctor.id}]}))
        for name in built.database.db.list_collection_names()
    }
    (tombstone,) = left.pop("tombstones")
    assert not any(left.values())
    (receipt,) = tombstone["outbox"]
    assert_valid(receipt)
    assert (receipt["source"], receipt["data"]["userId"]) == ("doctor-service", doctor.id)
    # nothing that comes late brings anything back
    deliver(user("user-updated", doctor.id, 10, name="Ghost"))
    assert doctor.call("PUT", "/doctors/me", {"specialty": "Haunting"}).status_code == 401


def test_a_deleted_patient_follows_nobody_and_the_counts_are_right(
    listed: Make, person: Make, deliver: Make, anyone: Any, built: Built
) -> None:
    patient, other, doctors = person("patient"), person("patient"), [listed(), listed()]
    for doctor in doctors:
        patient.call("PUT", f"/doctors/{doctor.id}/follow")
    other.call("PUT", f"/doctors/{doctors[0].id}/follow")
    deliver(user("user-deleted", patient.id, 4, role="patient"))
    assert [anyone.get(f"/doctors/{doctor.id}")["followers"] for doctor in doctors] == [1, 0]
    assert built.database["follows"].count_documents({"patientId": patient.id}) == 0
    assert built.database["tombstones"].find_one({"_id": patient.id})


def test_the_same_event_twice_takes_effect_once(deliver: Make, consumer: Running, amqp_url: str, built: Built) -> None:
    user_id = new_id()
    event = user("user-deleted", user_id, 4)
    deliver(event)
    publish(amqp_url, event)
    eventually(
        lambda: (
            any(event["id"] in line and "handled" not in line for line in consumer.output().splitlines())
            or len(receipts(built, user_id)) > 1
        )
    )
    assert len(receipts(built, user_id)) == 1


def receipts(built: Built, user_id: str) -> list[Any]:
    tombstone = built.database["tombstones"].find_one({"_id": user_id})
    return list(tombstone["outbox"]) if tombstone else []


@pytest.mark.parametrize("poison", [{}, [1], "text", {"id": "x", "source": "user-service", "type": "user-deleted"}])
def test_poison_lands_in_the_dead_letters(amqp_url: str, poison: Any) -> None:
    dead = amqp.dead_letters("doctor-service")
    before = queue_state(amqp_url, dead)[0]
    publish(amqp_url, poison, source="user-service", kind="user-deleted")
    eventually(lambda: queue_state(amqp_url, dead)[0] == before + 1)


def test_the_relay_publishes_what_changed(
    listed: Make, env: dict[str, str], amqp_url: str, stored: Make, built: Built
) -> None:
    doctor = listed()
    assert built.database["audit"].count_documents({"outbox.data.subjectId": doctor.id}) == 1
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        channel.exchange_declare(amqp.exchange("doctor-service"), "topic", durable=True)
        heard = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(heard, amqp.exchange("doctor-service"), "doctor-updated")
        with running("doctor_service.relay", env):
            eventually(lambda: stored(doctor.id)["outbox"] == [])
            # who approved, from the record's own collection
            eventually(lambda: built.database["audit"].count_documents({"outbox.data.subjectId": doctor.id}) == 0)
        bodies = iter(lambda: channel.basic_get(heard, auto_ack=True)[2], None)
        events = [event for event in map(json.loads, bodies) if event["subject"] == doctor.id]
    for event in events:
        assert_valid(event)
    assert [(event["data"]["version"], event["data"]["moderationStatus"]) for event in events] == [
        (1, "PENDING"),
        (2, "APPROVED"),
    ]
