"""Users by their sign-ups, verified addresses and relations, damaged, found and mended."""

from typing import Any

import pytest

from chassis.clock import new_id
from chassis.mongo import Document
from chassis.projections import Projections
from devkit.sources import Source
from devkit.testing import example
from user_service import events
from user_service.bootstrap import Built
from user_service.projections import projections


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def kept(fresh: Built, source: Source) -> Projections:
    return projections(fresh, source)  # type: ignore[arg-type]


def differs(kept: Projections, name: str) -> list[str]:
    return kept.check([name], pauses=[0])[name]


def account(verified: bool = False) -> Document:
    """An account as auth-service tells of it."""
    one = new_id()
    data = example("user-registered", userId=one, email=f"{one}@clinic.example")["data"]
    return {**data, "emailVerified": verified}


def sign_up(fresh: Built, told: Document) -> None:
    event = events.UserRegistered.model_validate(told)
    fresh.database.transact(lambda session: fresh.service.profiles.registered(event, session))


def verify(fresh: Built, user_id: str) -> None:
    event = events.EmailVerified(user_id=user_id)
    fresh.database.transact(lambda session: fresh.service.profiles.email_verified(event, session))


def bury(fresh: Built, user_id: str) -> None:
    fresh.database["users"].delete_one({"_id": user_id})
    fresh.database["relations"].delete_many({"$or": [{"patientId": user_id}, {"doctorId": user_id}]})
    fresh.database["tombstones"].insert_one({"_id": user_id})


def test_whoever_signed_up_is_a_user_and_verified_where_auth_service_says_so(
    fresh: Built, source: Source, kept: Projections
) -> None:
    missing, right, unheard, never, erased = (account(verified) for verified in (True, True, True, False, True))
    # of these the verification is here, as it came before the sign-up
    early, wrongly = account(True), account(False)
    all_of_them = (missing, right, unheard, never, erased, early, wrongly)
    source.items = {told["userId"]: told for told in all_of_them}
    for told in (right, unheard, never, erased):
        sign_up(fresh, told)
    for told in (right, never, early, wrongly):
        verify(fresh, told["userId"])
    bury(fresh, erased["userId"])
    assert differs(kept, "registrations") == sorted(told["userId"] for told in (missing, early, wrongly))
    assert differs(kept, "verified") == sorted(told["userId"] for told in (missing, unheard, never, wrongly))
    assert kept.rebuild("verified") == (4, [])
    assert kept.rebuild("registrations") == (3, [])
    assert kept.check(["registrations", "verified"], pauses=[0]) == {"registrations": [], "verified": []}
    verified = {user["_id"]: user["emailVerified"] for user in fresh.database["users"].find()}
    assert verified == {told["userId"]: told["emailVerified"] for told in all_of_them if told is not erased}
    made = fresh.database["users"].find_one({"_id": missing["userId"]})
    assert (made["email"], made["name"], made["role"]) == (missing["email"], missing["name"], missing["role"])


def appointment(status: str = "BOOKED", version: int = 5, **more: Any) -> Document:
    """An appointment as its service tells of it."""
    told = example("appointment-booked", appointmentId=new_id(), doctorId=new_id(), patientId=new_id())["data"]
    return {**told, "status": status, "version": version, **more}


def relate(fresh: Built, told: Document) -> None:
    event, cancelled = events.AppointmentChanged.model_validate(told), told["status"] == "CANCELLED"
    fresh.database.transact(lambda session: fresh.service.relations.relate(event, cancelled=cancelled, session=session))


def test_relations_are_made_as_the_appointments_are(fresh: Built, source: Source, kept: Projections) -> None:
    told = [appointment(status) for status in ("BOOKED", "REQUESTED", "CANCELLED", "COMPLETED", "BOOKED")]
    missing, other, older, to_come, right = (one["appointmentId"] for one in told)
    source.items = {one["appointmentId"]: one for one in told}
    ghost = appointment()
    for one in (*told, ghost):
        relate(fresh, one)
    relations = fresh.database["relations"]
    # a status that tells nothing new of the relation is not announced to it
    source.items[right]["version"] = 9
    before = {relation["_id"]: relation for relation in relations.find()}
    relations.delete_one({"_id": missing})
    relations.update_one({"_id": other}, {"$set": {"patientId": new_id()}})
    relations.update_one({"_id": older}, {"$set": {"cancelled": False, "version": 2}})
    relations.update_one({"_id": to_come}, {"$set": {"version": 99}})
    assert differs(kept, "relations") == sorted([missing, other, older, to_come, ghost["appointmentId"]])
    assert kept.rebuild("relations") == (5, [])
    assert differs(kept, "relations") == []
    del before[ghost["appointmentId"]]
    assert {relation["_id"]: relation for relation in relations.find()} == before


def test_who_was_erased_is_related_to_nobody_whatever_the_source_still_tells(
    fresh: Built, source: Source, kept: Projections
) -> None:
    known, meanwhile = appointment(), appointment()
    source.items = {told["appointmentId"]: told for told in (known, meanwhile)}
    bury(fresh, known["patientId"])
    assert differs(kept, "relations") == [meanwhile["appointmentId"]]
    source.asked = lambda _: bury(fresh, meanwhile["doctorId"])
    kept.rebuild("relations")
    assert fresh.database["relations"].count_documents({}) == 0


def test_a_cancellation_that_comes_in_meanwhile_stands(fresh: Built, source: Source, kept: Projections) -> None:
    told = appointment()
    relate(fresh, {**told, "patientId": new_id()})
    source.items = {told["appointmentId"]: told}
    source.asked = lambda _: relate(fresh, {**told, "status": "CANCELLED", "version": 6})
    kept.rebuild("relations")
    held = fresh.database["relations"].find_one()
    assert (held["cancelled"], held["version"]) == (True, 6)
