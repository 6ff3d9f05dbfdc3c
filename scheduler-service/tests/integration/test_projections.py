"""Reminders and what was heard of appointments, damaged, found and mended, and nobody told twice or not at all."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo.client_session import ClientSession
from stand_ins import Clock

from chassis.clock import instant_text, new_id, now
from chassis.mongo import Document
from chassis.projections import Projections
from devkit.sources import Source
from devkit.testing import environment
from scheduler_service import events
from scheduler_service.bootstrap import Built
from scheduler_service.projections import projections

AHEAD = timedelta(days=3)


@pytest.fixture
def fresh(
    fresh_mongodb_uri: str, amqp_url: str, clock: Clock, built_from: Callable[..., AbstractContextManager[Built]]
) -> Iterator[Built]:
    clock.shift = timedelta()
    with built_from(environment(fresh_mongodb_uri, amqp_url), clock) as made:
        yield made


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def kept(fresh: Built, source: Source, clock: Clock) -> Projections:
    return projections(fresh, source, clock)  # type: ignore[arg-type]


def differs(kept: Projections) -> list[str]:
    return kept.check(["reminders"], pauses=[0])["reminders"]


def appointment(status: str = "BOOKED", version: int = 2, start: datetime | None = None) -> Document:
    """An appointment as its service tells of it."""
    return {
        "appointmentId": new_id(),
        "doctorId": new_id(),
        "patientId": new_id(),
        "timezone": "Europe/Paris",
        "status": status,
        "version": version,
        "start": instant_text(start or now() + AHEAD),
        "end": instant_text((start or now() + AHEAD) + timedelta(minutes=30)),
    }


def tell(fresh: Built, told: Document, kind: str = "booked") -> None:
    event = events.AppointmentChanged.model_validate({**told, "by": "patient"})
    fresh.database.transact(lambda session: getattr(fresh.appointments, kind)(event, session))


def reminders(fresh: Built) -> dict[str, Document]:
    return {reminder["_id"]: reminder for reminder in fresh.database["reminders"].find()}


def test_reminders_are_made_as_the_appointments_are_and_nobody_is_written_to(
    fresh: Built, source: Source, kept: Projections
) -> None:
    booked = sorted((appointment() for _ in range(5)), key=lambda told: told["appointmentId"])
    missing, moved, older, to_come, right = (told["appointmentId"] for told in booked)
    over, requested = appointment("COMPLETED", start=now() - AHEAD), appointment("REQUESTED")
    cancelled, ghost = appointment(), appointment()
    for told in (*booked, cancelled, ghost):
        tell(fresh, told)
    expected = {key: item for key, item in reminders(fresh).items() if item["appointmentId"] in {*_ids(booked)}}
    told_now = (*booked, over, requested, {**cancelled, "status": "CANCELLED", "version": 3})
    source.items = {told["appointmentId"]: told for told in told_now}
    wrong = fresh.database["reminders"]
    fresh.database["mails"].delete_many({})
    wrong.delete_many({"appointmentId": missing})
    wrong.update_many({"appointmentId": moved}, {"$inc": {"minutes": 1}})
    wrong.update_many({"appointmentId": older}, {"$set": {"version": 1}})
    fresh.database["heard"].update_one({"_id": older}, {"$set": {"version": 1}})
    fresh.database["heard"].update_one({"_id": to_come}, {"$set": {"version": 99}})
    damaged = [missing, moved, older, to_come, cancelled["appointmentId"], ghost["appointmentId"]]
    assert differs(kept) == sorted(damaged)
    assert kept.rebuild("reminders") == (6, [])
    assert differs(kept) == []
    assert reminders(fresh) == expected
    assert fresh.database["mails"].count_documents({}) == 0
    assert fresh.database["heard"].find_one({"_id": to_come})["version"] == 2
    assert {reminder["appointmentId"] for reminder in reminders(fresh).values()} == {*_ids(booked)}
    assert right in {reminder["appointmentId"] for reminder in reminders(fresh).values()}


def test_news_that_is_on_its_way_still_tells_both_of_them(fresh: Built, source: Source, kept: Projections) -> None:
    told = appointment()
    source.items = {told["appointmentId"]: told}
    kept.rebuild("reminders")
    made = reminders(fresh)
    tell(fresh, told)
    assert {mail["userId"] for mail in fresh.database["mails"].find()} == {told["doctorId"], told["patientId"]}
    assert reminders(fresh) == made


def test_a_cancellation_that_comes_in_meanwhile_stands(fresh: Built, source: Source, kept: Projections) -> None:
    told = appointment()
    source.items = {told["appointmentId"]: told}
    source.asked = lambda _: tell(fresh, {**told, "status": "CANCELLED", "version": 3}, "cancelled")
    kept.rebuild("reminders")
    assert reminders(fresh) == {}


def test_a_check_in_that_is_handled_at_the_same_moment_stands(
    fresh: Built, source: Source, kept: Projections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins when the other has looked at what was heard, and sees none of its reminders."""
    told = appointment()
    source.items = {told["appointmentId"]: told}
    make_again = fresh.reminders.make_again
    arrivals: list[Future[None]] = []

    def meanwhile(event: events.AppointmentChanged, live: set[str], session: ClientSession) -> None:
        if not arrivals:
            arrived = {**told, "status": "CHECKED_IN", "version": 3}
            arrivals.append(pool.submit(tell, fresh, arrived, "begun_or_missed"))
            wait(arrivals, 0.3)
        make_again(event, live, session)

    monkeypatch.setattr(fresh.reminders, "make_again", meanwhile)
    with ThreadPoolExecutor(1) as pool:
        kept.rebuild("reminders")
        arrivals[0].result()
    assert reminders(fresh) == {}


def test_what_is_due_is_no_drift_whether_it_was_sent_or_not_and_is_not_lost(
    fresh: Built, source: Source, kept: Projections, clock: Clock
) -> None:
    sent, unsent = appointment(), appointment()
    for told in (sent, unsent):
        tell(fresh, told)
    source.items = {told["appointmentId"]: told for told in (sent, unsent)}
    first = max(reminder["minutes"] for reminder in reminders(fresh).values())
    clock.shift = AHEAD - timedelta(minutes=first - 1)
    fresh.database["reminders"].delete_one({"appointmentId": sent["appointmentId"], "minutes": first})
    assert differs(kept) == []
    fresh.database["reminders"].delete_one({"appointmentId": unsent["appointmentId"], "minutes": {"$ne": first}})
    kept.rebuild("reminders")
    left = [item["minutes"] for item in reminders(fresh).values() if item["appointmentId"] == unsent["appointmentId"]]
    assert len(left) == 2
    assert first in left
    clock.shift = timedelta()


def test_who_was_erased_is_reminded_of_nothing(fresh: Built, source: Source, kept: Projections) -> None:
    told = appointment()
    source.items = {told["appointmentId"]: told}
    event = events.UserDeleted(user_id=told["patientId"])
    fresh.database.transact(lambda session: fresh.user_deleted(event, session))
    assert differs(kept) == []
    kept.rebuild("reminders")
    assert reminders(fresh) == {}


def _ids(items: list[Any]) -> list[str]:
    return [item["appointmentId"] for item in items]
