"""What the appointments add up to, held against a straight count of the same."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from appointment_service import events
from chassis.clock import new_id
from chassis.migrations import migrations_in
from chassis.mongo import Document
from chassis.paging import encode_cursor
from devkit.profiling import profiled
from devkit.testing import bearer, example

ADMIN = bearer("boss", "admin", "Bo Oss", "boss@figures.example")
STATUSES = ("REQUESTED", "BOOKED", "CHECKED_IN", "COMPLETED", "NO_SHOW", "CANCELLED")
DAY = timedelta(days=1)
WEEK = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
ZONES = ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe")


class Desk:
    """Doctors whose offered time is noted as the consumer does, and the figures over HTTP."""

    def __init__(self, clinic: Any) -> None:
        self.clinic = clinic
        self.built = clinic.built
        self.versions: Counter[str] = Counter()
        self.stored: list[str] = []

    def tell(self, doctor: str, **facts: Any) -> None:
        """Handle the doctor's next doctor-updated event."""
        self.versions[doctor] += 1
        data = example("doctor-updated", doctorId=doctor, version=self.versions[doctor], **facts)["data"]
        event = events.DoctorUpdated.model_validate(data)

        def handle(session: Any) -> None:
            if self.built.people.doctor_updated(event, session):
                self.built.analytics.doctor_updated(event, session)

        self.built.database.transact(handle)

    def account(self, kind: str, doctor: str, version: int) -> None:
        """Handle an event of user-service about the doctor."""
        self.clinic.tell(kind, doctor, version, "doctor")
        self.built.database.transact(lambda session: self.built.analytics.account_changed(doctor, session))

    def calendar(self, **terms: Any) -> dict[str, Any]:
        """Ten half-hours on every day of the next ten, in UTC, except as ``terms`` say."""
        usual = {"timezone": "UTC", "slotMinutes": 30, "bufferMinutes": 0, "minNoticeMinutes": 0, "horizonDays": 10}
        week = [{"weekday": day, "from": "10:00", "to": "15:00"} for day in WEEK]
        more = {"cancellationNoticeMinutes": 0, "requiresConfirmation": False, "unattendedOutcome": "COMPLETED"}
        return {**usual, **more, "weekly": week, "overrides": [], **terms}

    def doctor(self, specialty: str = "Cardiology", **terms: Any) -> str:
        doctor = new_id()
        self.tell(doctor, specialty=specialty, calendar=self.calendar(**terms))
        return doctor

    def noted(self, doctor: str) -> dict[str, int]:
        return {item["day"]: item["minutes"] for item in self.built.database["capacity"].find({"doctorId": doctor})}

    def put(self, *appointments: Document) -> None:
        """Straight into the database."""
        self.stored += [item["_id"] for item in appointments]
        self.built.database["appointments"].insert_many(appointments)

    def get(self, path: str, who: dict[str, str], **query: Any) -> Any:
        names = {"first": "from", "last": "to"}
        asked = {names.get(name, name): value for name, value in query.items() if value is not None}
        answer = self.clinic.client.get(f"/api/v1{path}", headers=who, query_string=asked)
        assert answer.status_code == 200, answer.text
        return answer.json["data"]

    def own(self, doctor: str, **query: Any) -> Any:
        return self.get("/doctors/me/analytics", bearer(doctor, "doctor"), **query)

    def all(self, **query: Any) -> Any:
        return self.get("/admin/analytics/appointments", ADMIN, **query)


def appointment(doctor: str | None, start: datetime, status: str = "BOOKED", **facts: Any) -> Document:
    """A stored appointment, of half an hour if ``facts`` say nothing else."""
    zone, minutes = facts.pop("timezone", "UTC"), facts.pop("minutes", 30)
    return {
        "_id": new_id(),
        "doctorId": doctor,
        "patientId": new_id(),
        "start": start,
        "end": start + timedelta(minutes=minutes),
        "timezone": zone,
        "day": start.astimezone(ZoneInfo(zone)).date().isoformat(),
        "specialty": "Cardiology",
        "status": status,
        **facts,
    }


@pytest.fixture
def desk(clinic: Any) -> Iterator[Desk]:
    """A desk beside others', which leaves nothing that other tests' jobs would come upon."""
    made = Desk(clinic)
    yield made
    clinic.built.database["appointments"].delete_many({"_id": {"$in": made.stored}})


@pytest.fixture
def lone_desk(alone: Any) -> Desk:
    """A desk where nobody else is counted, or comes within a horizon."""
    return Desk(alone)


@pytest.fixture
def today(clinic: Any) -> date:
    day: date = clinic.clock().date()
    return day


# figures


def straight(appointments: Iterable[Document], minutes: Iterable[int]) -> dict[str, Any]:
    """The figures, counted one by one."""
    counts = dict.fromkeys(STATUSES, 0)
    booked = 0
    for item in appointments:
        counts[item["status"]] += 1
        if item["status"] not in ("REQUESTED", "CANCELLED"):
            booked += int((item["end"] - item["start"]).total_seconds()) // 60
    total, offered = sum(counts.values()), sum(minutes)
    attended = counts["COMPLETED"] + counts["NO_SHOW"]
    return {
        "counts": counts,
        "total": total,
        "cancellationRate": round(counts["CANCELLED"] / total, 4) if total else None,
        "noShowRate": round(counts["NO_SHOW"] / attended, 4) if attended else None,
        "bookedMinutes": booked,
        "offeredMinutes": offered,
        "utilisation": round(booked / offered, 4) if offered else None,
    }


KEYS: dict[str, Callable[[Document], str | None]] = {
    "day": lambda item: item["day"],
    "week": lambda item: str(date.fromisoformat(item["day"]) - date.fromisoformat(item["day"]).weekday() * DAY),
    "month": lambda item: item["day"][:7],
    "doctor": lambda item: item["doctorId"],
    "specialty": lambda item: item["specialty"],
}


def straight_groups(group: str, appointments: Iterable[Document], offered: Iterable[Document]) -> list[Document]:
    groups: defaultdict[str | None, tuple[list[Document], list[int]]] = defaultdict(lambda: ([], []))
    for item in appointments:
        groups[KEYS[group](item)][0].append(item)
    for item in offered:
        groups[KEYS[group](item)][1].append(item["minutes"])
    return [{"key": key, **straight(*groups[key])} for key in sorted(groups, key=lambda key: key or "")]


def test_figures_are_those_of_a_straight_count_whatever_they_are_grouped_by(lone_desk: Desk, today: date) -> None:
    dice = random.Random(5)
    doctors = {new_id(): zone for zone in ZONES for _ in range(3)}
    specialties = ["Cardiology", "Zahnheilkunde", "étrange", None]
    appointments: list[Document] = []
    held: list[Document] = []
    offered: list[Document] = []
    for doctor, zone in [*doctors.items(), (None, "UTC")]:
        specialty = dice.choice(specialties) if doctor else None
        for _ in range(40):
            start = datetime.combine(today, time(), UTC) + timedelta(minutes=5 * dice.randrange(-300 * 288, 300 * 288))
            facts = {"timezone": zone, "minutes": 5 * dice.randint(1, 288), "specialty": specialty}
            appointments.append(appointment(doctor, start, dice.choice(STATUSES), **facts))
            held.append(appointment(doctor, start + DAY, "HELD", **facts))
        offered += [
            {"_id": new_id(), "doctorId": doctor, "day": str(today + day * DAY), "minutes": 5 * dice.randint(1, 288)}
            | {"specialty": specialty}
            for day in dice.sample(range(-300, 300), 50)
        ]
    lone_desk.put(*appointments, *held)
    lone_desk.built.database["capacity"].insert_many(offered)
    known = sorted(doctors)[0]
    asked: list[tuple[int, int, dict[str, str]]] = [
        (-300, 65, {}),
        (0, 0, {}),
        (-40, 3, {"specialty": "étrange"}),
        (-170, 160, {"doctorId": known}),
        (-170, 160, {"doctorId": known, "specialty": "nobody's"}),
    ]
    for group in KEYS:
        for since, until, filters in asked:
            first, last = str(today + since * DAY), str(today + until * DAY)

            def meant(item: Document, first: str = first, last: str = last, filters: dict[str, str] = filters) -> bool:
                return first <= item["day"] <= last and filters.items() <= item.items()

            told = lone_desk.all(first=first, last=last, groupBy=group, **filters)
            expected = straight_groups(group, filter(meant, appointments), filter(meant, offered))
            totals = straight(filter(meant, appointments), [item["minutes"] for item in filter(meant, offered)])
            span = {"from": first, "to": last, "groupBy": group}
            assert told == {**span, "totals": totals, "items": expected, "nextCursor": None}
            if filters == {"doctorId": known} and group in ("day", "week", "month"):
                assert lone_desk.own(known, first=first, last=last, groupBy=group) == told


@pytest.mark.parametrize("zone", ZONES)
def test_an_appointment_counts_on_its_doctors_date(desk: Desk, zone: str) -> None:
    doctor = desk.doctor(timezone=zone, weekly=[{"weekday": day, "from": "00:00", "to": "24:00"} for day in WEEK])
    local = desk.clinic.clock().astimezone(ZoneInfo(zone)).date() + 2 * DAY
    for hour in (0, 23):
        start = datetime.combine(local, time(hour), ZoneInfo(zone)).astimezone(UTC)
        desk.clinic.booked(new_id(), doctor, start)
    (item,) = desk.own(doctor, first=local, last=local)["items"]
    assert (item["key"], item["total"], item["bookedMinutes"]) == (str(local), 2, 60)
    assert item["utilisation"] == round(60 / item["offeredMinutes"], 4)


def test_what_nobody_booked_is_told_and_what_nobody_offers_is_left_out(desk: Desk, today: date) -> None:
    doctor = desk.doctor(overrides=[{"date": str(today + DAY), "windows": []}])
    told = desk.own(doctor, first=today, last=today + 3 * DAY)
    assert [item["key"] for item in told["items"]] == [str(today + day * DAY) for day in (0, 2, 3)]
    assert [(item["total"], item["offeredMinutes"], item["utilisation"]) for item in told["items"]] == [
        (0, 300, 0.0)
    ] * 3
    assert told["totals"]["cancellationRate"] is None
    assert desk.own(new_id())["items"] == []
    assert desk.own(new_id())["totals"]["utilisation"] is None


def test_by_default_it_is_the_last_thirty_days(desk: Desk, today: date) -> None:
    doctor = desk.doctor()
    desk.put(*(appointment(doctor, datetime.combine(today + days * DAY, time(9), UTC)) for days in (-30, -29, 0, 1)))
    told = desk.own(doctor)
    assert (told["from"], told["to"]) == (str(today - 29 * DAY), str(today))
    assert (told["totals"]["total"], told["groupBy"]) == (2, "day")
    assert (told["from"], told["to"]) == (desk.all()["from"], desk.all()["to"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-01-02", "to": "2026-01-01"}, "to"),
        ({"from": "2025-01-01", "to": "2026-01-02"}, "to"),
        ({"from": "0001-01-01"}, "to"),
        ({"from": "20260101"}, "from"),
        ({"to": "2026-02-30"}, "to"),
        ({"from": "2026-01-01T00:00:00Z"}, "from"),
        ({"groupBy": "status"}, "groupBy"),
        ({"groupBy": "day", "cursor": encode_cursor(["2026-01-01"])}, "cursor"),
        ({"groupBy": "doctor", "cursor": "W10"}, "cursor"),
        ({"groupBy": "doctor", "cursor": "W3siJHQiOjF9XQ"}, "cursor"),
        ({"groupBy": "doctor", "cursor": "W3siJGd0IjoiIn1d"}, "cursor"),
        ({"groupBy": "doctor", "limit": "101"}, "limit"),
        ({"doctorId[$gt]": ""}, "doctorId[$gt]"),
        ({"doctorId": '{"$gt": ""}'}, "doctorId"),
    ],
)
def test_what_makes_no_sense_is_refused(clinic: Any, query: dict[str, str], field: str) -> None:
    answer = clinic.client.get("/api/v1/admin/analytics/appointments", headers=ADMIN, query_string=query)
    assert (answer.status_code, answer.json["code"]) == (422, "VALIDATION_FAILED")
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_the_first_and_the_last_days_of_all_are_no_trouble(clinic: Any) -> None:
    for query in ({"to": "0001-01-05"}, {"from": "9999-12-01", "to": "9999-12-31", "groupBy": "week"}):
        answer = clinic.client.get("/api/v1/admin/analytics/appointments", headers=ADMIN, query_string=query)
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", ["/doctors/me/analytics", "/admin/analytics/appointments"])
@pytest.mark.parametrize("role", [None, "patient", "doctor", "admin"])
def test_doctors_see_their_own_and_admins_see_all(clinic: Any, path: str, role: str | None) -> None:
    answer = clinic.client.get(f"/api/v1{path}", headers=bearer("somebody", role) if role else {})
    allowed = role == ("doctor" if path.startswith("/doctors/me") else "admin")
    assert answer.status_code == (200 if allowed else 403 if role else 401)


@pytest.mark.parametrize("query", ["doctorId=other", "specialty=Cardiology", "groupBy=doctor", "limit=5"])
def test_a_doctor_asks_for_nobody_elses_figures(clinic: Any, query: str) -> None:
    answer = clinic.client.get(f"/api/v1/doctors/me/analytics?{query}", headers=bearer("me", "doctor"))
    assert answer.status_code == 422


def test_doctors_and_specialties_come_in_pages_of_which_none_is_missed(lone_desk: Desk, today: date) -> None:
    start = datetime.combine(today, time(9), UTC)
    names = [None, *(f"name {number:02}" for number in range(24))]
    lone_desk.put(*(appointment(name, start, specialty=name) for name in names * 2))
    for group in ("doctor", "specialty"):
        found: list[Any] = []
        limit, cursor = 1, None
        while len(found) < len(names):
            told = lone_desk.all(first=today, last=today, groupBy=group, limit=limit, cursor=cursor)
            assert told["totals"]["total"] == 50
            found += told["items"]
            limit, cursor = 6, told["nextCursor"]
            assert (cursor is None) == (len(found) == len(names))
        assert [(item["key"], item["total"]) for item in found] == [(name, 2) for name in names]


def test_every_day_of_a_year_comes_at_once(desk: Desk, today: date) -> None:
    doctor = desk.doctor(horizonDays=365)
    told = desk.own(doctor, first=today, last=today + 365 * DAY)
    assert len(told["items"]) == 366
    assert len(desk.all(first=today, last=today + 365 * DAY, limit=1)["items"]) == 366


# offered time


def straight_minutes(calendar: dict[str, Any], day: date) -> int:
    """The minutes of the day's slots, each of whose five minutes is found on the wall clock and on the grid."""
    zone = ZoneInfo(calendar["timezone"])
    windows = [item for item in calendar["weekly"] if item["weekday"] == WEEK[day.weekday()]]
    for item in calendar["overrides"]:
        if item["date"] == str(day):
            windows = item["windows"]
    length, count = calendar["slotMinutes"], 0
    for window in windows:
        opens, closes = (int(text[:2]) * 60 + int(text[3:]) for text in (window["from"], window["to"]))
        while opens + length <= closes:
            clocks = [datetime.combine(day, time()) + timedelta(minutes=opens + step) for step in range(0, length, 5)]
            real = [clock.replace(tzinfo=zone).astimezone(UTC) for clock in clocks]
            happens = all(
                moment.astimezone(zone).replace(tzinfo=None) == clock
                for moment, clock in zip(real, clocks, strict=True)
            )
            count += happens and real[0].minute % 5 == 0
            opens += length + calendar["bufferMinutes"]
    return count * length


@pytest.mark.parametrize("zone", ZONES)
def test_what_is_offered_follows_the_wall_clock_through_a_year(desk: Desk, zone: str) -> None:
    dice = random.Random(zone)
    local = desk.clinic.clock().astimezone(ZoneInfo(zone)).date()
    calendar = desk.calendar(
        timezone=zone,
        horizonDays=365,
        slotMinutes=dice.choice([15, 20, 45]),
        bufferMinutes=dice.choice([0, 5]),
        weekly=[
            {"weekday": day, "from": start, "to": end}
            for day in WEEK[:5] + WEEK[6:]
            for start, end in (("00:00", "04:00"), ("09:30", "12:00"))
        ],
        overrides=[
            {"date": str(local + 3 * DAY), "windows": []},
            {"date": str(local + 4 * DAY), "windows": [{"from": "20:00", "to": "24:00"}]},
        ],
    )
    doctor = new_id()
    desk.tell(doctor, calendar=calendar)
    straight = {str(local + day * DAY): straight_minutes(calendar, local + day * DAY) for day in range(366)}
    assert desk.noted(doctor) == {day: minutes for day, minutes in straight.items() if minutes}


def test_past_days_stay_as_they_were_when_the_calendar_changes(desk: Desk, today: date) -> None:
    doctor = desk.doctor()
    desk.clinic.clock.shift = 4 * DAY
    desk.tell(doctor, calendar=desk.calendar(slotMinutes=300, bufferMinutes=5, horizonDays=1, weekly=[]))
    assert desk.noted(doctor) == {str(today + day * DAY): 300 for day in range(4)}


@pytest.mark.parametrize(
    "standing",
    [
        {"visible": False},
        {"accepting": False},
        {"active": False},
        {"moderationStatus": "PENDING"},
        {"moderationStatus": "SUSPENDED"},
        {"calendar": None},
    ],
)
def test_who_cannot_be_booked_offers_nothing_from_today_on(desk: Desk, today: date, standing: dict[str, Any]) -> None:
    doctor = desk.doctor()
    desk.clinic.clock.shift = 2 * DAY
    calendar = desk.calendar()
    desk.tell(doctor, **{"calendar": calendar, **standing})
    assert sorted(desk.noted(doctor)) == [str(today), str(today + DAY)]
    # and is not looked at when time goes on
    assert "capacityAt" not in desk.built.database["calendars"].find_one({"_id": doctor})
    desk.clinic.clock.shift = 5 * DAY
    desk.tell(doctor, calendar=calendar)
    assert sorted(desk.noted(doctor)) == [str(today + day * DAY) for day in (0, 1, *range(5, 16))]


def test_a_closed_account_offers_nothing_until_it_is_opened_whichever_event_comes_first(
    desk: Desk, today: date
) -> None:
    doctor = desk.doctor()
    desk.account("user-deactivated", doctor, 2)
    assert desk.noted(doctor) == {}
    desk.tell(doctor, calendar=desk.calendar())
    assert desk.noted(doctor) == {}
    desk.account("user-recovered", doctor, 3)
    assert len(desk.noted(doctor)) == 11


def test_a_patients_account_and_somebody_unknown_are_no_trouble(desk: Desk) -> None:
    desk.account("user-suspended", "a-patient", 2)
    desk.account("user-reinstated", "a-patient", 3)
    desk.built.database.transact(lambda session: desk.built.analytics.erase("nobody", session))
    assert desk.noted("a-patient") == {}
    assert "capacityAt" not in desk.built.database["calendars"].find_one({"_id": "a-patient"})


def test_each_day_that_comes_within_the_horizon_is_noted_once(lone_desk: Desk, today: date) -> None:
    doctor = lone_desk.doctor()
    assert lone_desk.built.analytics.extend(10) == {"extended": 0}
    lone_desk.clinic.clock.shift = DAY
    assert lone_desk.built.analytics.extend(10) == {"extended": 1}
    assert lone_desk.built.analytics.extend(10) == {"extended": 0}
    assert sorted(lone_desk.noted(doctor)) == [str(today + day * DAY) for day in range(12)]


def test_days_that_the_job_slept_through_are_noted_all_the_same(lone_desk: Desk, today: date) -> None:
    doctor = lone_desk.doctor(horizonDays=1)
    lone_desk.clinic.clock.shift = 6 * DAY
    lone_desk.built.analytics.extend(10)
    assert sorted(lone_desk.noted(doctor)) == [str(today + day * DAY) for day in range(8)]


def test_so_many_at_a_time_the_longest_due_first(lone_desk: Desk) -> None:
    for zone in ("Pacific/Pago_Pago", "Pacific/Kiritimati"):
        lone_desk.doctor(timezone=zone)
    # whose midnight comes first depends on the hour
    first, later = (item["_id"] for item in lone_desk.built.database["calendars"].find().sort("capacityAt"))
    lone_desk.clinic.clock.shift = 2 * DAY
    counts = {doctor: len(lone_desk.noted(doctor)) for doctor in (first, later)}
    assert lone_desk.built.analytics.extend(1) == {"extended": 1}
    assert len(lone_desk.noted(first)) > counts[first]
    assert len(lone_desk.noted(later)) == counts[later]
    assert lone_desk.built.analytics.extend(1) == {"extended": 1}
    assert len(lone_desk.noted(later)) > counts[later]
    assert lone_desk.built.analytics.extend(1) == {"extended": 0}


def test_jobs_and_events_at_the_same_time_note_each_day_once(lone_desk: Desk, today: date) -> None:
    doctors = [lone_desk.doctor() for _ in range(3)]
    for round_ in range(1, 5):
        lone_desk.clinic.clock.shift = round_ * DAY
        barrier = Barrier(5)

        def extend(barrier: Barrier = barrier) -> int:
            barrier.wait()
            return int(lone_desk.built.analytics.extend(10)["extended"])

        def tell(doctor: str, barrier: Barrier = barrier) -> int:
            barrier.wait()
            lone_desk.tell(doctor, calendar=lone_desk.calendar())
            return 0

        with ThreadPoolExecutor(5) as pool:
            jobs = [pool.submit(extend) for _ in range(3)] + [pool.submit(tell, doctor) for doctor in doctors[:2]]
            extended = sum(job.result() for job in jobs)
        assert 1 <= extended <= 3
        days = {str(today + day * DAY): 300 for day in range(11 + round_)}
        assert [lone_desk.noted(doctor) for doctor in doctors] == [days] * 3


def test_a_doctor_told_of_again_writes_nothing_and_another_specialty_is_for_the_days_to_come(
    desk: Desk, today: date
) -> None:
    doctor = desk.doctor()
    with profiled(desk.built.database) as profile:
        desk.tell(doctor, specialty="Cardiology", calendar=desk.calendar())
        records = [record for record in profile.new() if record["ns"].endswith(".capacity")]
        assert [record["op"] for record in records] == ["query"]
    desk.clinic.clock.shift = DAY
    desk.tell(doctor, specialty="Surgery", calendar=desk.calendar())
    told = desk.all(first=today, last=today + 3 * DAY, groupBy="specialty", doctorId=doctor)
    assert [(item["key"], item["offeredMinutes"]) for item in told["items"]] == [("Cardiology", 300), ("Surgery", 900)]


# erasure


def test_of_an_erased_doctor_the_admins_totals_keep_what_was_and_nothing_tells_who_it_was(
    lone_desk: Desk, today: date
) -> None:
    gone, other = lone_desk.doctor("canary-specialty"), lone_desk.doctor("canary-specialty")
    for doctor in (gone, other):
        lone_desk.clinic.booked(new_id(), doctor, datetime.combine(today + DAY, time(10), UTC))
    lone_desk.clinic.clock.shift = 2 * DAY
    before = lone_desk.all(first=today, last=today + DAY)
    for doctor in (gone, other):
        lone_desk.clinic.tell("user-deleted", doctor, 5, "doctor")
    after = lone_desk.all(first=today, last=today + 30 * DAY)
    assert after["totals"]["offeredMinutes"] == before["totals"]["offeredMinutes"] == 4 * 300
    assert after["totals"]["total"] == 2
    by_doctor = lone_desk.all(first=today, last=today + 30 * DAY, groupBy="doctor")["items"]
    assert [(item["key"], item["offeredMinutes"], item["total"]) for item in by_doctor] == [(None, 1200, 2)]
    by_specialty = lone_desk.all(first=today, last=today + 30 * DAY, groupBy="specialty")["items"]
    assert [(item["key"], item["offeredMinutes"], item["total"]) for item in by_specialty] == [(None, 1200, 2)]
    for name in ("capacity", "appointments"):
        stored = repr(list(lone_desk.built.database[name].find({}, {"outbox": 0})))
        assert not any(word in stored for word in (gone, other, "canary"))
    assert lone_desk.own(gone, first=today, last=today + 30 * DAY)["items"] == []
    # late news of the doctor bring nothing back, nor does time
    lone_desk.tell(gone, calendar=lone_desk.calendar())
    lone_desk.clinic.clock.shift = 4 * DAY
    lone_desk.built.analytics.extend(10)
    assert lone_desk.noted(gone) == {}


def test_a_booking_carries_what_figures_count_it_by(desk: Desk, today: date) -> None:
    doctor = desk.doctor("Surgery")
    made = desk.clinic.booked(new_id(), doctor, datetime.combine(today + DAY, time(10), UTC))
    stored = desk.clinic.stored(made)
    assert (stored["day"], stored["specialty"]) == (str(today + DAY), "Surgery")


# migration


def test_doctors_who_are_known_already_are_noted_by_the_next_job(lone_desk: Desk, today: date) -> None:
    (migration,) = (
        item for item in migrations_in("appointment_service.migrations") if item.name.endswith("offered_minutes")
    )
    database = lone_desk.built.database
    doctor, hidden = lone_desk.doctor(), lone_desk.doctor()
    lone_desk.tell(hidden, visible=False, calendar=lone_desk.calendar())
    for _ in range(2):
        migration.module.back(database.db)
        assert database["capacity"].find_one() is None
        for _ in range(2):
            migration.module.forward(database.db)
        assert lone_desk.built.analytics.extend(10) == {"extended": 2}
        assert lone_desk.built.analytics.extend(10) == {"extended": 0}
        assert len(lone_desk.noted(doctor)) == 11
        assert lone_desk.noted(hidden) == {}
        migration.module.forward(database.db)
        assert lone_desk.built.analytics.extend(10) == {"extended": 2}, (
            "an older process may have stored another calendar"
        )
