"""Calendar files and secret feeds: who may read them, what they tell, and when they end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from icalendar import Calendar
from pymongo.client_session import ClientSession

from appointment_service import events
from appointment_service.service import Feeds
from appointment_service.store import AppointmentStore, CalendarStore, FeedStore
from chassis.clock import new_id
from chassis.errors import NotFound, TokenInvalid
from devkit.profiling import assert_indexed, profiled
from devkit.testing import bearer, example

HALF_HOUR = timedelta(minutes=30)
DAY = timedelta(days=1)
ADMIN = bearer("boss", "admin", "Bo Oss", "boss@clinic.example")
CLINIC = {"name": "Canal Clinic", "address": "1; Rue X", "city": "Paris", "country": "FR"}


def known_doctor(clinic: Any, name: str | None = "Ben Ito", at: dict[str, str] | None = CLINIC) -> str:
    """A bookable doctor whose name and clinic are known."""
    doctor: str = clinic.doctor()
    calendar = clinic.built.database["calendars"].find_one({"_id": doctor})["calendar"]
    clinic.tell_doctor(doctor, 2, calendar=calendar, name=name, clinic=at)
    return doctor


def file(clinic: Any, item: dict[str, Any], who: dict[str, str], **headers: str) -> Any:
    return clinic.client.get(f"/api/v1/appointments/{item['id']}/calendar.ics", headers={**who, **headers})


def new_feed(clinic: Any, user: str, role: str = "patient") -> dict[str, Any]:
    answer = clinic.client.post("/api/v1/calendar/feed", headers=bearer(user, role))
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json["data"]
    return data


def events_of(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    found: list[Any] = Calendar.from_ical(answer.get_data()).events
    return found


def is_gone(answer: Any) -> bool:
    return (answer.status_code, answer.json["code"]) == (404, "FEED_NOT_FOUND")


# one appointment


def test_its_people_and_admins_have_an_appointment_as_a_file(clinic: Any, noon: datetime) -> None:
    patient, doctor = new_id(), known_doctor(clinic)
    item = clinic.booked(patient, doctor, noon, reason="canary-reason")
    who = [bearer(patient, name="Canary Patient"), bearer(doctor, "doctor"), ADMIN]
    answers = [file(clinic, item, one, Accept="text/calendar") for one in who]
    for answer in answers:
        (event,) = events_of(answer)
        assert event["DTSTART"].dt == noon
        assert event["DTEND"].dt == noon + HALF_HOUR
        assert event["LOCATION"] == "Canal Clinic, 1; Rue X, Paris, FR"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="appointment.ics"'
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "canary" not in answer.text.casefold()
        assert patient not in answer.text
    titles = [str(events_of(answer)[0]["SUMMARY"]) for answer in answers]
    assert titles == ["Appointment with Dr Ben Ito", "Appointment", "Appointment with Dr Ben Ito"]


def test_nobody_else_has_it(clinic: Any, noon: datetime) -> None:
    item = clinic.booked(new_id(), known_doctor(clinic), noon)
    for who in (bearer(new_id()), bearer(new_id(), "doctor")):
        assert (file(clinic, item, who).status_code, file(clinic, item, who).json["code"]) == (404, "NOT_FOUND")
    assert file(clinic, {"id": "no-such"}, ADMIN).status_code == 404
    assert file(clinic, item, {}).status_code == 401
    assert file(clinic, item, ADMIN, Accept="application/json").status_code == 406


def test_a_change_raises_the_sequence_and_a_cancellation_shows(clinic: Any, noon: datetime) -> None:
    patient = new_id()
    item = clinic.booked(patient, known_doctor(clinic), noon)
    (before,) = events_of(file(clinic, item, bearer(patient)))
    clinic.act("cancel", item, bearer(patient))
    (after,) = events_of(file(clinic, item, bearer(patient)))
    assert (before["SEQUENCE"], after["SEQUENCE"]) == (0, 1)
    assert (before["STATUS"], after["STATUS"]) == ("CONFIRMED", "CANCELLED")
    assert before["UID"] == after["UID"] == f"{item['id']}@appointment-service"
    assert after["LAST-MODIFIED"].dt >= before["LAST-MODIFIED"].dt


def test_a_doctor_of_whom_no_name_is_known_goes_without(clinic: Any, noon: datetime) -> None:
    patient, doctor = new_id(), known_doctor(clinic, name=None, at=None)
    item = clinic.booked(patient, doctor, noon)
    (event,) = events_of(file(clinic, item, bearer(patient)))
    assert (event["SUMMARY"], event.get("LOCATION")) == ("Appointment", None)
    clinic.tell("user-deleted", doctor, 6, "doctor")
    (event,) = events_of(file(clinic, item, bearer(patient)))
    assert (event["SUMMARY"], event["STATUS"]) == ("Appointment", "CANCELLED")


# feeds


def test_whoever_has_the_secret_reads_the_feed(clinic: Any, noon: datetime) -> None:
    patient, doctor = new_id(), known_doctor(clinic)
    items = [clinic.booked(patient, doctor, noon + number * DAY, reason="canary") for number in range(3)]
    clinic.act("cancel", items[1], bearer(patient))
    clinic.booked(new_id(), doctor, noon + 3 * DAY)
    feed = new_feed(clinic, patient)
    assert feed["url"] == f"/api/v1/calendar/{feed['secret']}.ics"
    answer = clinic.client.get(feed["url"])
    assert answer.headers["Cache-Control"] == "private, max-age=300"
    assert "canary" not in answer.text
    assert [(event["UID"].partition("@")[0], event["STATUS"]) for event in events_of(answer)] == [
        (items[0]["id"], "CONFIRMED"),
        (items[1]["id"], "CANCELLED"),
        (items[2]["id"], "CONFIRMED"),
    ]
    theirs = new_feed(clinic, doctor, "doctor")
    assert {str(event["SUMMARY"]) for event in events_of(clinic.client.get(theirs["url"]))} == {"Appointment"}
    assert len(events_of(clinic.client.get(theirs["url"]))) == 4


def test_a_new_secret_ends_the_old_one(clinic: Any) -> None:
    patient = new_id()
    old, new = new_feed(clinic, patient), new_feed(clinic, patient)
    assert old["secret"] != new["secret"]
    assert is_gone(clinic.client.get(old["url"]))
    assert events_of(clinic.client.get(new["url"])) == []


def test_a_feed_ends_as_its_owner_says_and_again_is_no_error(clinic: Any) -> None:
    patient, other = new_id(), new_id()
    feed, kept = new_feed(clinic, patient), new_feed(clinic, other)
    for _ in range(2):
        assert clinic.client.delete("/api/v1/calendar/feed", headers=bearer(patient)).status_code == 200
        assert is_gone(clinic.client.get(feed["url"]))
    assert events_of(clinic.client.get(kept["url"])) == []


@pytest.mark.parametrize("secret", ["x", "a" * 43, "%00", "%ff", "\u00e9", "feed", "." * 8, "a" * 5000])
def test_a_secret_that_is_none_finds_nothing(clinic: Any, secret: str) -> None:
    new_feed(clinic, new_id())
    assert is_gone(clinic.client.get(f"/api/v1/calendar/{secret}.ics"))


def test_what_is_stored_is_not_the_secret(clinic: Any) -> None:
    patient = new_id()
    feed = new_feed(clinic, patient)
    stored = clinic.built.database["feeds"].find_one({"_id": patient})
    assert feed["secret"] not in repr(stored)
    assert is_gone(clinic.client.get(f"/api/v1/calendar/{stored['secret']}.ics"))
    assert len(feed["secret"]) == 43


@pytest.mark.parametrize(
    ("closed", "opened"), [("user-deactivated", "user-recovered"), ("user-suspended", "user-reinstated")]
)
def test_a_closed_account_has_no_feed_until_it_is_open_again(clinic: Any, closed: str, opened: str) -> None:
    patient = new_id()
    feed = new_feed(clinic, patient)
    clinic.tell(closed, patient, 2)
    assert is_gone(clinic.client.get(feed["url"]))
    answer = clinic.client.post("/api/v1/calendar/feed", headers=bearer(patient))
    assert (answer.status_code, answer.json["code"]) == (401, "TOKEN_INVALID")
    clinic.tell(opened, patient, 3)
    assert events_of(clinic.client.get(feed["url"])) == []


def test_an_erasure_ends_the_feed_and_no_token_brings_it_back(clinic: Any) -> None:
    patient = new_id()
    feed = new_feed(clinic, patient)
    clinic.tell("user-deleted", patient, 6)
    assert clinic.built.database["feeds"].find_one({"_id": patient}) is None
    assert is_gone(clinic.client.get(feed["url"]))
    assert clinic.client.post("/api/v1/calendar/feed", headers=bearer(patient)).status_code == 401


def test_a_feed_that_is_made_as_its_owner_is_erased_does_not_outlive_it(clinic: Any) -> None:
    patient, erased, tried = new_id(), Event(), Event()
    event = events.UserDeleted.model_validate(example("user-deleted", userId=patient)["data"])

    def erase(session: ClientSession) -> None:
        clinic.built.people.user_deleted(event, session)
        erased.set()
        # unfenced, the other has committed by then; fenced, it waits for this to commit
        tried.wait(0.5)

    def renew() -> None:
        try:
            clinic.built.feeds.renew(patient)
        finally:
            tried.set()

    with ThreadPoolExecutor(2) as pool:
        erasure = pool.submit(clinic.built.database.transact, erase)
        assert erased.wait(10)
        renewal = pool.submit(renew)
        erasure.result()
        with pytest.raises(TokenInvalid):
            renewal.result()
    assert clinic.built.database["feeds"].find_one({"_id": patient}) is None


def test_a_feed_begins_thirty_days_ago_and_has_nothing_that_is_only_held(clinic: Any, noon: datetime) -> None:
    patient, doctor = new_id(), known_doctor(clinic)
    items = [clinic.booked(patient, doctor, noon + number * DAY) for number in range(4)]
    appointments = clinic.built.database["appointments"]
    now = clinic.clock()
    ends = [now - 30 * DAY - HALF_HOUR, now - 30 * DAY + HALF_HOUR]
    for item, end in zip(items, ends, strict=False):
        times = {"start": end - HALF_HOUR, "end": end}
        appointments.update_one({"_id": item["id"]}, {"$set": times})
    appointments.update_one({"_id": items[2]["id"]}, {"$set": {"status": "HELD"}})
    told = events_of(clinic.client.get(new_feed(clinic, patient)["url"]))
    assert [event["UID"].partition("@")[0] for event in told] == [items[3]["id"], items[1]["id"]]


def test_of_a_crowded_calendar_the_nearest_thousand_are_told_by_an_index(alone: Any, noon: datetime) -> None:
    doctor = known_doctor(alone)
    made = [
        {
            "_id": f"{number:04}",
            "doctorId": doctor if number % 2 else new_id(),
            "patientId": new_id(),
            "start": noon + (number - 1400) * HALF_HOUR / 4,
            "end": noon + (number - 1396) * HALF_HOUR / 4,
            "timezone": "Europe/Paris",
            "status": "CANCELLED",
            "version": 1,
            "createdAt": noon,
            "updatedAt": noon,
        }
        for number in range(2800)
    ]
    seldom = new_id()
    times = [alone.clock() + HALF_HOUR - number * DAY for number in range(400)]
    past = [{**made[0], "_id": f"{at}", "patientId": seldom, "start": at, "end": at} for at in times]
    alone.built.database["appointments"].insert_many(made + past)
    feed, other = new_feed(alone, doctor, "doctor"), new_feed(alone, seldom)
    with profiled(alone.built.database) as profile:
        assert len(events_of(alone.client.get(other["url"]))) == 31
        assert_indexed(profile.new(), examined=31)
        told = events_of(alone.client.get(feed["url"]))
        assert_indexed(profile.new(), examined=1000)
        file(alone, {"id": made[1]["_id"]}, bearer(doctor, "doctor"))
        alone.built.feeds.exported(doctor)
        new_feed(alone, doctor, "doctor")
        alone.client.delete("/api/v1/calendar/feed", headers=bearer(doctor, "doctor"))
        assert_indexed(profile.new(), examined=1)
    now = alone.clock()
    mine = [item for item in made if item["doctorId"] == doctor]
    ahead = [item["_id"] for item in mine if item["start"] >= now]
    behind = [item["_id"] for item in reversed(mine) if item["start"] < now]
    assert 500 < len(ahead) < 1000 < len(mine)
    assert [event["UID"].partition("@")[0] for event in told] == (ahead + behind)[:1000]


def test_an_address_is_whole_where_the_suites_own_is_known(clinic: Any) -> None:
    database = clinic.built.database
    feeds = Feeds(
        database,
        feeds=FeedStore(database),
        appointments=AppointmentStore(database),
        calendars=CalendarStore(database),
        clock=clinic.clock,
        public_url="https://clinic.example",
    )
    made = feeds.renew(new_id())
    assert made["url"] == f"https://clinic.example/api/v1/calendar/{made['secret']}.ics"


# what other services ask


def test_an_appointment_as_it_is_now_is_told_to_its_people_alone(clinic: Any, noon: datetime) -> None:
    patient, doctor = new_id(), known_doctor(clinic)
    item = clinic.booked(patient, doctor, noon)
    now = clinic.built.feeds.appointment_now
    told = now(item["id"], patient)
    (event,) = Calendar.from_ical(told.pop("ics")).events
    assert event["SUMMARY"] == "Appointment with Dr Ben Ito"
    assert told == {
        "status": "BOOKED",
        "version": 1,
        "start": noon.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "end": (noon + HALF_HOUR).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "timezone": "UTC",
    }
    assert "SUMMARY:Appointment\r\n" in now(item["id"], doctor)["ics"]
    for identifier, user in ((item["id"], new_id()), ("no-such", patient)):
        with pytest.raises(NotFound):
            now(identifier, user)
    clinic.built.database["appointments"].update_one({"_id": item["id"]}, {"$set": {"status": "HELD"}})
    with pytest.raises(NotFound):
        now(item["id"], patient)


def test_an_export_tells_of_the_feed_and_not_its_secret(clinic: Any) -> None:
    patient = new_id()
    assert clinic.built.feeds.exported(patient) is None
    made = new_feed(clinic, patient)
    told = clinic.built.feeds.exported(patient)
    assert told.keys() == {"createdAt"}
    assert made["createdAt"].startswith(told["createdAt"].strftime("%Y-%m-%dT%H:%M:%S"))
