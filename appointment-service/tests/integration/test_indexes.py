"""Among thousands of appointments every query is answered from an index, in its order, without much looking.

Every route, every call of another service and every event, as MongoDB's profiler recorded them.
"""

import random
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
from pymongo import WriteConcern
from pymongo.client_session import ClientSession

from appointment_service import events
from appointment_service.app import create_app
from appointment_service.bootstrap import Built, build
from appointment_service.config import Config
from appointment_service.domain.analytics import Group
from appointment_service.domain.appointment import Status
from chassis.clock import new_id, now
from chassis.events import subscriptions
from chassis.mongo import Database, Document
from devkit.profiling import Profile, Visits, assert_indexed, profiled
from devkit.pytest_plugin import with_database
from devkit.testing import CONTRACTS, bearer, example

DOCTORS, PATIENTS, EACH = 300, 900, 20
APPOINTMENTS = DOCTORS * EACH
DAY, HALF_HOUR = timedelta(days=1), timedelta(minutes=30)
ADMIN = bearer("boss", "admin", "Bo Oss", "boss@indexes.example")
WEEK = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
CALENDAR = {
    "timezone": "UTC",
    "slotMinutes": 30,
    "bufferMinutes": 0,
    "minNoticeMinutes": 0,
    "horizonDays": 60,
    "cancellationNoticeMinutes": 0,
    "requiresConfirmation": False,
    "unattendedOutcome": "COMPLETED",
    "weekly": [{"weekday": day, "from": "00:00", "to": "24:00"} for day in WEEK],
    "overrides": [],
}

OPEN, CONFIRMING = "d0", "d1"
"""Doctors who can be booked all day; the second decides first."""

DUE = [f"d{number}" for number in range(50, 150)]
"""Doctors at whom time alone has the jobs look tomorrow."""

PATIENT, DOCTOR = bearer("p0"), bearer(OPEN, "doctor")


class Clock:
    """The real clock, which a test may set forward."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def __call__(self) -> datetime:
        return now() + self.shift


def stored_appointments(today: date) -> list[Document]:
    """Twenty of each doctor's in 200 days, whose patient no. n is patient no. n to several doctors."""
    chance = random.Random(3)
    made = []
    for number in range(APPOINTMENTS):
        start = datetime.combine(today, time(), UTC) + ((number // DOCTORS - EACH // 2) * 10 + 5) * DAY
        start += timedelta(minutes=30 * chance.randrange(48))
        over = start < datetime.combine(today, time(), UTC)
        status = chance.choice(["COMPLETED", "COMPLETED", "NO_SHOW", "CANCELLED"] if over else ["BOOKED", "REQUESTED"])
        identifier = new_id()
        active = {"claims": [f"d:{identifier}:1", f"p:{identifier}:1"]}
        made.append(
            {
                "_id": identifier,
                "doctorId": f"d{number % DOCTORS}",
                "patientId": f"p{number % PATIENTS}",
                "start": start,
                "end": start + HALF_HOUR,
                "timezone": "UTC",
                "day": start.date().isoformat(),
                "specialty": f"Field {number % 20}",
                "status": status,
                "version": 1,
                "reason": None,
                "cancellationNoticeMinutes": 0,
                "unattendedOutcome": "COMPLETED",
                "history": [],
                "createdAt": start - DAY,
                "updatedAt": start,
                "outbox": [],
                **(active if not over else {}),
                **({"lapsesAt": start + 900 * DAY} if status == "REQUESTED" else {}),
            }
        )
    return made


def stored_places(today: date) -> list[Document]:
    instant = datetime.combine(today, time(), UTC)
    offer = {"appointmentId": new_id(), "start": instant, "end": instant, "timezone": "UTC"}
    offer["expiresAt"] = instant + 900 * DAY
    return [
        {
            "_id": new_id(),
            # nobody waits for the first doctors but whom a test has wait
            "doctorId": f"d{2 + number % (DOCTORS - 2)}",
            "patientId": f"w{number}",
            "from": str(today),
            "to": str(today + DAY),
            "status": status,
            "offer": offer if status == "OFFERED" else None,
            "appointmentId": None,
            "seen": [],
            "overAt": instant + (900 + number) * DAY,
            "version": 1,
            "createdAt": instant - timedelta(minutes=number),
            "updatedAt": instant,
            "outbox": [],
        }
        for number, status in enumerate(["WAITING", "OFFERED", "ACCEPTED", "LEFT"] * 500)
    ]


def stored_calendar(number: int, today: date) -> Document:
    return {
        "_id": f"d{number}",
        **dict.fromkeys(("accountActive", "visible", "accepting", "active"), True),
        "accountVersion": 0,
        "version": 1,
        "moderationStatus": "APPROVED",
        "specialty": "Field",
        "calendar": {**CALENDAR, "requiresConfirmation": f"d{number}" == CONFIRMING},
        "capacityThrough": str(today + 60 * DAY),
        "nextAvailable": None,
        "openingVersion": 1,
    }


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def crowded(env: dict[str, str], mongodb_server: str, clock: Clock) -> Iterator[Built]:
    """6,000 appointments of 300 doctors, 2,000 places in line, and all else that goes with them."""
    today = now().date()
    uri = with_database(mongodb_server, f"test_{secrets.token_hex(6)}")
    instant = datetime.combine(today, time(), UTC) + 900 * DAY
    # before the service makes the indexes: they are built faster than filled
    with Database(uri, "crowd").client as client:
        database = client.get_default_database(write_concern=WriteConcern(1))
        database["appointments"].insert_many(stored_appointments(today))
        database["calendars"].insert_many([stored_calendar(number, today) for number in range(DOCTORS)])
        database["calendars"].insert_many(
            [{"_id": f"p{n}", "accountActive": True, "accountVersion": 0, "version": 0} for n in range(PATIENTS)]
        )
        database["waitlist"].insert_many(stored_places(today))
        database["feeds"].insert_many([{"_id": f"x{n}", "secret": f"s{n}", "createdAt": instant} for n in range(1_000)])
        database["requests"].insert_many(
            [{"_id": f"x{n}", "people": [f"x{n}", f"y{n}"], "expiresAt": instant} for n in range(1_000)]
        )
        database["tombstones"].insert_many([{"_id": f"x{n}", "at": instant} for n in range(1_000)])
        database["capacity"].insert_many(
            [
                {"_id": new_id(), "doctorId": f"d{n}", "day": str(today + day * DAY)}
                | {"minutes": 1440, "specialty": "Field"}
                for n in range(DOCTORS)
                for day in range(-10, 61)
            ]
        )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**env, "MONGODB_URI": uri}.items():
            patch.setenv(name, value)
        made = build(Config.read(), clock)
    # as it is once the job behind advance_due has looked at all whom a migration noted
    due, later = instant - 899 * DAY, instant
    calendars = made.database["calendars"]
    calendars.update_many({}, {"$set": {"lookAt": later, "capacityAt": later}})
    calendars.update_many({"_id": {"$in": DUE}}, {"$set": {"lookAt": due, "capacityAt": due}})
    yield made
    made.database.client.drop_database(made.database.db.name)
    made.database.close()


@pytest.fixture
def profile(crowded: Built, clock: Clock) -> Iterator[Profile]:
    with profiled(crowded.database) as made:
        yield made
    clock.shift = timedelta()


class Visitor:
    """Calls routes, and sees to it that each query was answered from an index."""

    def __init__(self, built: Built, profile: Profile) -> None:
        app = create_app(built)
        self.visits, self._client, self._profile = Visits(app), app.test_client(), profile
        self.noon = datetime.combine(now().date() + 2 * DAY, time(12), UTC)

    def __call__(self, who: dict[str, str], method: str, path: str, body: Any = None, examined: int = 3) -> Any:
        """The answer's data, for which no query looked at more documents than that."""
        self._profile.new()
        answer = self._client.open(f"/api/v1{path}", method=method, json=body, headers=who)
        assert answer.status_code < 300, (path, answer.text)
        self.records = self._profile.new()
        assert_indexed(self.records, examined=examined)
        told: Any = answer.get_json(silent=True)
        return told["data"] if told else answer.text

    def book(self, number: int, who: dict[str, str], doctor: str = OPEN) -> Any:
        body = {"doctorId": doctor, "start": (self.noon + number * HALF_HOUR).isoformat()}
        return self(who, "POST", "/appointments", body)

    def figures(self, who: dict[str, str], path: str, examined: int) -> None:
        """No document is read for them, and of the index no more than the days that are asked for."""
        told = self(who, "GET", path, examined=examined)
        assert told["items"]
        assert not any(record.get("docsExamined") for record in self.records)


def test_every_route_uses_indexes(crowded: Built, profile: Profile) -> None:
    visit = Visitor(crowded, profile)
    one_appointment(visit)
    lists(visit)
    figures(visit)
    waiting(visit)
    address = visit(PATIENT, "POST", "/calendar/feed")["url"]
    visit({}, "GET", address[address.index("/calendar/") :], examined=2 * EACH)
    visit(PATIENT, "DELETE", "/calendar/feed")
    assert visit.visits.missing() == set()


def one_appointment(visit: Visitor) -> None:
    """What becomes of one."""
    visit({}, "GET", f"/doctors/{OPEN}/slots", examined=EACH)
    booked = visit.book(0, PATIENT | {"Idempotency-Key": "k"})
    assert visit.book(0, PATIENT | {"Idempotency-Key": "k"}) == booked
    path = f"/appointments/{booked['id']}"
    for who in (PATIENT, DOCTOR, ADMIN):
        visit(who, "GET", path)
        visit(who, "GET", f"{path}/calendar.ics")
    body = {"start": (visit.noon + HALF_HOUR).isoformat()}
    visit(PATIENT | {"Idempotency-Key": "k2"}, "POST", f"{path}/reschedule", body)
    for action in ("check-in", "no-show", "complete"):
        visit(DOCTOR, "POST", f"{path}/{action}")
    decider = bearer(CONFIRMING, "doctor")
    visit(decider, "POST", f"/appointments/{visit.book(5, PATIENT, CONFIRMING)['id']}/confirm")
    visit(decider, "POST", f"/appointments/{visit.book(6, PATIENT, CONFIRMING)['id']}/decline", {})


def lists(visit: Visitor) -> None:
    """Page by page: a person's are looked through, of all no more is looked at than a page."""
    span = f"from={now().date() - 90 * DAY}&to={now().date() + 90 * DAY}"
    queries = ("", span, *(f"status={status}" for status in Status), f"{span}&status=COMPLETED")
    cases = [(ADMIN, query, 7) for query in queries]
    cases += [
        (who, query, EACH + 5) for who in (PATIENT, DOCTOR) for query in (*queries, "doctorId=d0", "patientId=p0")
    ]
    cases += [(ADMIN, query, EACH + 5) for query in ("doctorId=d0", "patientId=p0&status=BOOKED")]
    for who, query, examined in cases:
        cursor, pages = "", 0
        while cursor is not None and pages < 5:
            told = visit(who, "GET", f"/appointments?limit=5&{query}{cursor and '&cursor='}{cursor}", examined=examined)
            cursor, pages = told["nextCursor"], pages + 1


def figures(visit: Visitor) -> None:
    today = now().date()
    full = f"from={today - 5 * DAY}&to={today - 5 * DAY}"
    for group in ("day", "week", "month"):
        visit.figures(DOCTOR, f"/doctors/me/analytics?groupBy={group}", examined=60)
        visit.figures(
            DOCTOR, f"/doctors/me/analytics?groupBy={group}&from={today - 90 * DAY}&to={today + 90 * DAY}", examined=300
        )
    for group in Group:
        path = f"/admin/analytics/appointments?groupBy={group}"
        visit.figures(ADMIN, f"{path}&{full}", examined=DOCTORS)
        visit.figures(ADMIN, f"{path}&doctorId={OPEN}", examined=60)
        visit.figures(ADMIN, f"{path}&specialty=Field%201&{full}", examined=DOCTORS)


def waiting(visit: Visitor) -> None:
    """What one gives back is held for the first in line, passed on to the second, and taken."""
    people = [bearer(f"v{number}") for number in range(3)]
    dates = {"from": str(visit.noon.date()), "to": str(visit.noon.date())}
    first, second, third = (visit(who, "POST", f"/doctors/{OPEN}/waitlist", dates)["id"] for who in people)
    taken = visit.book(20, PATIENT)
    visit(PATIENT, "POST", f"/appointments/{taken['id']}/cancel", {}, examined=EACH)
    assert visit(people[0], "GET", "/waitlist")["items"][0]["status"] == "OFFERED"
    visit(people[0], "POST", f"/waitlist/{first}/decline", examined=EACH)
    visit(people[1] | {"Idempotency-Key": "k3"}, "POST", f"/waitlist/{second}/accept")
    visit(people[2], "DELETE", f"/waitlist/{third}")


def test_an_admins_page_looks_at_one_page_even_of_those_that_start_at_one_time(
    crowded: Built, profile: Profile
) -> None:
    client = create_app(crowded).test_client()
    appointments = crowded.database["appointments"]
    noon = datetime.combine(now().date() + 500 * DAY, time(12), UTC)
    same = [
        {"_id": new_id(), "doctorId": new_id(), "patientId": new_id(), "start": noon, "end": noon + HALF_HOUR}
        | {"timezone": "UTC", "status": "CANCELLED", "version": 1, "reason": None, "createdAt": noon, "updatedAt": noon}
        for _ in range(300)
    ]
    appointments.insert_many(same)
    for query in ("", "&from=2020-01-01&to=2090-01-01", "&status=CANCELLED"):
        cursor = ""
        for _ in range(6):
            profile.new()
            path = f"/api/v1/appointments?limit=50{query}{cursor and '&cursor='}{cursor}"
            page: Any = client.get(path, headers=ADMIN).get_json()["data"]
            cursor = page["nextCursor"]
            assert len(page["items"]) == 50
            assert_indexed(profile.new(), examined=52)
    appointments.delete_many({"start": noon})


def test_every_call_of_another_service_uses_indexes(crowded: Built, clock: Clock, profile: Profile) -> None:
    appointments = crowded.database["appointments"]

    def called(work: Callable[[], Any], examined: int) -> Any:
        profile.new()
        result = work()
        assert_indexed(profile.new(), examined=examined)
        return result

    # a place that another test left, if any
    crowded.waitlist.expire(10)

    def exported(user_id: str) -> list[Document]:
        return list(crowded.people.exported(user_id))

    # nothing is due
    for job in (crowded.service.advance_due, crowded.people.sweep, crowded.openings.sweep, crowded.analytics.extend):
        assert not any(called(partial(job, 10), examined=0).values())
    assert not any(called(lambda: crowded.waitlist.expire(10), examined=0).values())
    # all is due
    crowded.database.transact(lambda session: crowded.people.user_deactivated(about("user-deactivated", "p1"), session))
    appointments.update_many({"status": "REQUESTED"}, {"$set": {"lapsesAt": now()}})
    clock.shift = 30 * DAY
    moved = called(lambda: crowded.service.advance_due(10), examined=EACH)
    assert min(moved["completed"], moved["lapsed"]) == 10
    called(lambda: crowded.people.sweep(10), examined=EACH)
    # a doctor's days from today on are read, to be noted anew: the migration has been repeated beside them
    assert called(lambda: crowded.analytics.extend(10), examined=31) == {"extended": 10}
    assert called(lambda: crowded.openings.sweep(10), examined=EACH) == {"openings": 10}
    clock.shift = 3_000 * DAY
    # besides, places of other tests whose events nobody publishes here
    assert called(lambda: crowded.waitlist.expire(10), examined=15) == {"passedOn": 10, "tidied": 10}
    clock.shift = timedelta()
    known = appointments.find_one({"patientId": "p3"})
    assert known
    called(lambda: crowded.feeds.appointment_now(known["_id"], "p3"), examined=1)
    for user in ("p3", "d3"):
        assert len(called(partial(exported, user), examined=EACH + 2)) > 5
    called(lambda: crowded.feeds.exported("p3"), examined=1)
    called(lambda: list(crowded.waitlist.exported("w4")), examined=1)


def about(kind: str, user_id: str, role: str = "patient", version: int = 7) -> Any:
    data = example(kind, userId=user_id, role=role, version=version)["data"]
    return (events.UserDeleted if kind == "user-deleted" else events.UserStatus).model_validate(data)


def test_every_event_uses_indexes(crowded: Built, profile: Profile) -> None:
    people, openings, analytics = crowded.people, crowded.openings, crowded.analytics
    told: set[str] = set()

    def handled(kind: str, effect: Callable[[ClientSession], Any], examined: int) -> None:
        profile.new()
        crowded.inbox.once(new_id(), effect)
        assert_indexed(profile.new(), examined=examined)
        told.add(kind)

    def doctor_updated(**facts: Any) -> Callable[[ClientSession], None]:
        event = events.DoctorUpdated.model_validate(example("doctor-updated", **facts)["data"])

        def handle(session: ClientSession) -> None:
            assert people.doctor_updated(event, session)
            openings.doctor_updated(event, session)
            analytics.doctor_updated(event, session)

        return handle

    # all that is offered from today on is read, and written where it is another
    terms = {**CALENDAR, "slotMinutes": 50}
    handled("doctor-updated", doctor_updated(doctorId="d205", version=5, calendar=terms), examined=61)
    handled(
        "doctor-updated",
        doctor_updated(doctorId="d205", version=6, calendar=CALENDAR, moderationStatus="SUSPENDED"),
        examined=61,
    )
    verified = events.EmailVerified.model_validate(example("email-verified", userId="p205")["data"])
    handled("email-verified", lambda session: people.email_verified(verified, session), examined=1)

    def account(kind: str, user_id: str, role: str, version: int) -> Callable[[ClientSession], None]:
        event = about(kind, user_id, role, version)
        effects = {"user-deactivated": people.user_deactivated, "user-suspended": people.user_suspended}

        def handle(session: ClientSession) -> None:
            effects.get(kind, people.account_opened)(event, session)
            openings.account_changed(user_id, session)
            analytics.account_changed(user_id, session)

        return handle

    kinds = ("user-deactivated", "user-recovered", "user-suspended", "user-reinstated")
    for role, user_id, examined in (("patient", "p206", EACH), ("doctor", "d206", 61)):
        for version, kind in enumerate(kinds, 2):
            handled(kind, account(kind, user_id, role, version), examined)
        deleted = about("user-deleted", user_id, role, 9)
        handled("user-deleted", partial(people.user_deleted, deleted), examined=71)

    subscribed = subscriptions(CONTRACTS)["appointment-service"]
    for kind in subscribed["appointment-service"]:
        start = datetime.combine(now().date() + 3 * DAY, time(9), UTC)
        data = {"doctorId": "d207", "start": start.isoformat(), "end": (start + HALF_HOUR).isoformat()}
        event = events.AppointmentChanged.model_validate({**example(kind)["data"], **data})
        handled(kind, partial(openings.appointment_changed, event), examined=EACH)
    assert told == {kind for kinds in subscribed.values() for kind in kinds}
