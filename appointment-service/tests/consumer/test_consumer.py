"""The real consumer process on the real broker."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from chassis import amqp
from chassis.clock import new_id
from chassis.rpc import Refused, RpcClient
from devkit.pytest_plugin import eventually
from devkit.testing import assert_every_queue_is_consumed, bearer, example, publish, queue_state, running


@pytest.fixture(scope="module", autouse=True)
def consumer(env: dict[str, str]) -> Iterator[None]:
    with running("appointment_service.consumer", env):
        yield


def handled(clinic: Any, event: dict[str, Any]) -> None:
    eventually(lambda: clinic.built.database["inbox"].find_one({"_id": event["id"]}))


def test_every_subscription_has_its_queue_and_consumer(amqp_url: str) -> None:
    assert_every_queue_is_consumed(amqp_url, "appointment-service")


def test_a_doctor_who_is_announced_can_be_booked(clinic: Any, amqp_url: str) -> None:
    doctor = new_id()
    publish(amqp_url, example("doctor-updated", doctorId=doctor))
    path = f"/api/v1/doctors/{doctor}/slots"
    eventually(lambda: clinic.client.get(path).status_code == 200)
    answer = clinic.client.get(f"{path}?to={(clinic.clock() + timedelta(days=10)).date()}").json["data"]
    assert answer["timezone"] == "Europe/Paris"
    first = datetime.fromisoformat(answer["items"][0]["start"])
    assert clinic.book(new_id(), doctor, first).status_code == 201


def test_an_older_event_that_comes_late_changes_nothing(clinic: Any, amqp_url: str, noon: datetime) -> None:
    doctor = clinic.doctor(version=5)
    late = example("doctor-updated", doctorId=doctor, version=4, accepting=False)
    publish(amqp_url, late)
    handled(clinic, late)
    assert clinic.book(new_id(), doctor, noon).status_code == 201


def test_a_patient_who_leaves_and_comes_back(clinic: Any, amqp_url: str, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    booked = clinic.booked(patient, doctor, noon)
    publish(amqp_url, example("user-deactivated", userId=patient, version=2))
    eventually(lambda: clinic.stored(booked)["status"] == "CANCELLED")
    publish(amqp_url, example("user-recovered", userId=patient, version=3))
    eventually(lambda: clinic.book(patient, doctor, noon).status_code == 201)


def test_the_same_event_twice_takes_effect_once(clinic: Any, amqp_url: str, noon: datetime) -> None:
    patient = new_id()
    booked = clinic.booked(patient, clinic.doctor(), noon)
    event = example("user-deleted", userId=patient, version=4)
    after = example("user-deleted", userId=new_id(), version=4)
    publish(amqp_url, event)
    handled(clinic, event)
    publish(amqp_url, event)
    publish(amqp_url, after)
    handled(clinic, after)
    eventually(lambda: queue_state(amqp_url, "appointment-service.user-service.user-deleted")[0] == 0)
    tombstone = clinic.built.database["tombstones"].find_one({"_id": patient})
    assert [receipt["type"] for receipt in tombstone["outbox"]] == ["user-data-erased"]
    assert clinic.stored(booked)["patientId"] is None


def test_a_job_settles_what_is_over(clinic: Any, amqp_url: str, noon: datetime) -> None:
    clinic.built.service.advance_due(1000)
    clinic.clock.shift = timedelta(days=-5)
    booked = clinic.booked(new_id(), clinic.doctor(), noon - timedelta(days=3))
    answer = RpcClient(amqp_url).call("appointment-service", "advance_due", limit=50)
    assert answer.items() >= {"completed": 1, "noShow": 0, "lapsed": 0, "cancelled": 0}.items()
    assert clinic.stored(booked)["status"] == "COMPLETED"
    assert set(RpcClient(amqp_url).call("appointment-service", "advance_due").values()) == {0}


def test_an_export_tells_both_of_an_appointment_and_each_their_own_words(
    clinic: Any, amqp_url: str, noon: datetime
) -> None:
    doctor, patient = clinic.doctor(), new_id()
    kept, gone = (
        clinic.booked(patient, doctor, noon + number * timedelta(minutes=30), reason="my-visit") for number in range(2)
    )
    clinic.act("cancel", gone, bearer(doctor, "doctor"), json={"reason": "the-doctors-words"})
    rpc = RpcClient(amqp_url)
    told = rpc.call("appointment-service", "export_user", user_id=patient)["appointments"]
    assert [item["id"] for item in told] == [kept["id"], gone["id"]]
    seen = clinic.client.get(f"/api/v1/appointments/{gone['id']}", headers=bearer(patient)).json["data"]
    assert told[1].keys() == seen.keys()
    assert [item["reason"] for item in told] == ["my-visit"] * 2
    assert told[1]["history"][-1]["reason"] == "the-doctors-words"
    theirs = rpc.call("appointment-service", "export_user", user_id=doctor)["appointments"]
    assert [item["patientId"] for item in theirs] == [patient] * 2
    assert theirs[1]["history"][-1]["reason"] == "the-doctors-words"
    assert "my-visit" not in repr(theirs)
    assert not any(rpc.call("appointment-service", "export_user", user_id=new_id()).values())


def test_an_appointment_is_told_as_it_is_now_and_a_feed_without_its_secret(
    clinic: Any, amqp_url: str, noon: datetime
) -> None:
    patient, rpc = new_id(), RpcClient(amqp_url)
    booked = clinic.booked(patient, clinic.doctor(), noon)
    clinic.act("cancel", booked, bearer(patient))
    told = rpc.call("appointment-service", "appointment_now", appointment_id=booked["id"], user_id=patient)
    assert (told["status"], told["version"], told["timezone"]) == ("CANCELLED", 2, "UTC")
    assert datetime.fromisoformat(told["start"]) == noon
    assert "STATUS:CANCELLED\r\n" in told["ics"]
    with pytest.raises(Refused) as refused:
        rpc.call("appointment-service", "appointment_now", appointment_id=booked["id"], user_id=new_id())
    assert refused.value.status == 404
    feed = clinic.client.post("/api/v1/calendar/feed", headers=bearer(patient)).json["data"]
    exported = rpc.call("appointment-service", "export_user", user_id=patient)
    assert exported["calendarFeed"] == {"createdAt": feed["createdAt"].replace("000Z", "Z")}
    assert feed["secret"] not in repr(exported)


def test_what_a_patient_wrote_on_leaving_is_not_the_doctors_to_export(
    clinic: Any, amqp_url: str, noon: datetime
) -> None:
    doctor, patient = clinic.doctor(), new_id()
    clinic.act("cancel", clinic.booked(patient, doctor, noon), bearer(patient), json={"reason": "my-own-words"})
    theirs = RpcClient(amqp_url).call("appointment-service", "export_user", user_id=doctor)
    assert "my-own-words" not in repr(theirs)


def test_a_doctor_who_is_suspended_and_a_patient_who_verifies(clinic: Any, amqp_url: str, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    booked = clinic.booked(patient, doctor, noon)
    publish(amqp_url, example("user-suspended", userId=doctor, role="doctor", version=2))
    eventually(lambda: clinic.stored(booked)["status"] == "CANCELLED")
    publish(amqp_url, example("user-reinstated", userId=doctor, role="doctor", version=3))
    eventually(lambda: clinic.book(patient, doctor, noon).status_code == 201)
    publish(amqp_url, example("email-verified", userId=patient))
    eventually(lambda: clinic.built.database["calendars"].find_one({"_id": patient, "emailVerified": True}))


@pytest.mark.parametrize(
    "poison",
    [
        {},
        [1],
        "text",
        {"id": "x", "source": "doctor-service", "type": "doctor-updated", "data": {"doctorId": "x"}},
        {"id": "y", "source": "user-service", "type": "user-deleted", "data": {"userId": "x", "version": 1}},
    ],
)
def test_poison_lands_in_the_dead_letters(amqp_url: str, poison: Any) -> None:
    assert_dead_lettered(amqp_url, poison)


@pytest.mark.parametrize(
    "terms",
    [
        {"timezone": "Mars/Olympus"},
        {"weekly": [{"weekday": "MON", "from": "12:00", "to": "09:00"}]},
    ],
)
def test_a_calendar_that_cannot_be_booked_lands_there_too(amqp_url: str, terms: dict[str, Any]) -> None:
    event = example("doctor-updated", doctorId=new_id())
    event["data"]["calendar"].update(terms)
    assert_dead_lettered(amqp_url, event)


def assert_dead_lettered(amqp_url: str, message: Any) -> None:
    dead = amqp.dead_letters("appointment-service")
    before = queue_state(amqp_url, dead)[0]
    publish(amqp_url, message, source="doctor-service", kind="doctor-updated")
    eventually(lambda: queue_state(amqp_url, dead)[0] == before + 1)
