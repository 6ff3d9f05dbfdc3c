"""Visits and the doctors' standing, damaged, found and mended, against a stand-in for their sources."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.client_session import ClientSession

from chassis.clock import new_id
from chassis.mongo import Document
from chassis.projections import Projections
from devkit.sources import Source
from devkit.testing import environment, example
from review_service import events
from review_service.bootstrap import Built, build
from review_service.config import Config
from review_service.projections import projections


@pytest.fixture
def fresh(fresh_mongodb_uri: str, amqp_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Built]:
    for name, value in environment(fresh_mongodb_uri, amqp_url).items():
        monkeypatch.setenv(name, value)
    made = build(Config.read())
    yield made
    made.database.close()


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def kept(fresh: Built, source: Source) -> Projections:
    return projections(fresh, source)  # type: ignore[arg-type]


def differs(kept: Projections, name: str) -> list[str]:
    return kept.check([name], pauses=[0])[name]


def appointment(status: str = "COMPLETED", **more: Any) -> Document:
    """An appointment as its service tells of it."""
    told = example("appointment-completed", appointmentId=new_id(), doctorId=new_id(), patientId=new_id())["data"]
    return {**told, "status": status, "version": 5, **more}


def end(fresh: Built, told: Document) -> None:
    event = events.AppointmentEnded.model_validate(told)
    note = fresh.service.appointment_no_show if told["status"] == "NO_SHOW" else fresh.service.appointment_completed
    fresh.database.transact(lambda session: note(event, session))


def erase(fresh: Built, user_id: str) -> None:
    event = events.UserDeleted(user_id=user_id, version=9)
    fresh.database.transact(lambda session: fresh.service.user_deleted(event, session))


def test_visits_are_made_as_the_appointments_are(fresh: Built, source: Source, kept: Projections) -> None:
    ended = sorted((appointment() for _ in range(6)), key=lambda told: told["appointmentId"])
    missed, other, corrected, older, to_come, _ = (told["appointmentId"] for told in ended)
    ended[2]["status"] = "NO_SHOW"
    ghost, open_again = appointment(), appointment()
    for told in (*ended, ghost, open_again):
        end(fresh, told)
    source.items = {told["appointmentId"]: told for told in (*ended, {**open_again, "status": "BOOKED", "version": 9})}
    visits = fresh.database["visits"]
    before = {visit["_id"]: visit for visit in visits.find()}
    visits.delete_one({"_id": missed})
    visits.update_one({"_id": other}, {"$set": {"patientId": new_id()}})
    visits.update_one({"_id": corrected}, {"$set": {"completedVersion": 8}, "$unset": {"noShowVersion": ""}})
    visits.update_one({"_id": older}, {"$set": {"noShowVersion": 4}, "$unset": {"completedVersion": ""}})
    visits.update_one({"_id": to_come}, {"$set": {"completedVersion": 99}})
    wrong = [missed, other, corrected, older, to_come, ghost["appointmentId"], open_again["appointmentId"]]
    assert differs(kept, "visits") == sorted(wrong)
    assert kept.rebuild("visits") == (7, [])
    assert differs(kept, "visits") == []
    left = {told["appointmentId"]: before[told["appointmentId"]] for told in ended}
    assert {visit["_id"]: visit for visit in visits.find()} == left


def test_who_was_erased_has_no_visits_whatever_the_source_still_tells(
    fresh: Built, source: Source, kept: Projections
) -> None:
    ofpatient, ofdoctor, meanwhile = appointment(), appointment(), appointment()
    source.items = {told["appointmentId"]: told for told in (ofpatient, ofdoctor, meanwhile)}
    erase(fresh, ofpatient["patientId"])
    erase(fresh, ofdoctor["doctorId"])
    assert differs(kept, "visits") == [meanwhile["appointmentId"]]
    source.asked = lambda _: erase(fresh, meanwhile["patientId"])
    kept.rebuild("visits")
    assert fresh.database["visits"].count_documents({}) == 0


def test_an_outcome_that_is_corrected_meanwhile_stands(fresh: Built, source: Source, kept: Projections) -> None:
    told = appointment()
    end(fresh, told)
    source.items = {told["appointmentId"]: told}
    fresh.database["visits"].update_one({}, {"$set": {"patientId": new_id()}})
    source.asked = lambda _: end(fresh, {**told, "status": "NO_SHOW", "version": 6})
    kept.rebuild("visits")
    source.asked = lambda _: None
    source.items[told["appointmentId"]] = {**told, "status": "NO_SHOW", "version": 6}
    assert fresh.database["visits"].find_one()["noShowVersion"] == 6
    kept.rebuild("visits")
    assert differs(kept, "visits") == []


def test_the_doctors_standing_is_made_as_doctor_service_has_it(fresh: Built, source: Source, kept: Projections) -> None:
    ids = sorted(new_id() for _ in range(4))
    source.items = {one: example("doctor-updated", doctorId=one, version=5)["data"] for one in ids}

    def tell(session: ClientSession) -> None:
        for told in (*source.items.values(), {**source.items[ids[0]], "doctorId": ghost}):
            fresh.service.doctor_updated(events.DoctorUpdated.model_validate(told), session)

    ghost = new_id()
    fresh.database.transact(tell)
    doctors = fresh.database["doctors"]
    before = list(doctors.find({"_id": {"$in": ids}}))
    missing, other, older, to_come = ids
    doctors.delete_one({"_id": missing})
    doctors.update_one({"_id": other}, {"$set": {"listed": False}})
    doctors.update_one({"_id": older}, {"$set": {"listed": False, "version": 3}})
    doctors.update_one({"_id": to_come}, {"$set": {"version": 99}})
    assert differs(kept, "doctors") == sorted([*ids, ghost])
    assert kept.rebuild("doctors") == (5, [])
    assert differs(kept, "doctors") == []
    assert sorted(doctors.find(), key=lambda doctor: doctor["_id"]) == sorted(before, key=lambda doctor: doctor["_id"])
