"""Each doctor's next free slot: found anew by whatever changes it, told where it is another."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from threading import Barrier
from typing import Any

import pytest

from appointment_service import events
from appointment_service.domain.appointment import HELD
from appointment_service.domain.calendar import Calendar
from appointment_service.store import AppointmentStore, OpeningStore
from chassis.clock import new_id
from chassis.mongo import Document
from devkit.profiling import assert_indexed, profiled
from devkit.testing import assert_valid, bearer, example

HALF = timedelta(minutes=30)


class Board:
    """What is kept of doctors' next free slots, and what makes it another, without a broker."""

    def __init__(self, clinic: Any) -> None:
        self.clinic = clinic
        self.openings = clinic.built.openings
        self.database = clinic.built.database

    def doctor(self, doctor_id: str | None = None, *, version: int = 1, **calendar: Any) -> str:
        """As the clinic's, and looked at as the consumer does."""
        known = self.clinic.doctor(doctor_id, version=version, **calendar)
        self.updated(known)
        return known

    def updated(self, doctor_id: str) -> None:
        event = events.DoctorUpdated.model_validate(example("doctor-updated", doctorId=doctor_id)["data"])
        self.database.transact(lambda session: self.openings.doctor_updated(event, session))

    def kept(self, doctor_id: str) -> Document:
        found = self.database["calendars"].find_one({"_id": doctor_id})
        assert found
        return found

    def start(self, doctor_id: str) -> datetime | None:
        slot = self.kept(doctor_id).get("nextAvailable")
        return slot and slot["start"]

    def told(self, doctor_id: str) -> list[Document]:
        """The data of what was announced of a doctor, each as its contract says."""
        outbox = self.kept(doctor_id).get("outbox", [])
        for event in outbox:
            assert_valid(event)
        return [event["data"] for event in outbox]

    def handle(self, appointment: Document, **more: Any) -> None:
        """The news of an appointment, as the consumer handles it."""
        data = {**appointment, "appointmentId": appointment["id"], **more}
        event = events.AppointmentChanged.model_validate(data)
        self.database.transact(lambda session: self.openings.appointment_changed(event, session))

    def book(self, doctor_id: str, start: datetime) -> Document:
        """A booking of which the news has not come yet."""
        booked: Document = self.clinic.booked(new_id(), doctor_id, start)
        return booked

    def cancel(self, appointment: Document) -> Document:
        assert self.clinic.act("cancel", appointment, bearer(appointment["doctorId"], "doctor")).status_code == 200
        return appointment

    def sweep_at(self, when: datetime) -> int:
        self.clinic.clock.shift = when - (self.clinic.clock() - self.clinic.clock.shift)
        return int(self.openings.sweep(1000)["openings"])

    def shown(self, doctor_id: str) -> datetime | None:
        """The first slot of those that the doctor shows: what the next free one must be."""
        items = self.clinic.client.get(f"/api/v1/doctors/{doctor_id}/slots").json["data"]["items"]
        return datetime.fromisoformat(items[0]["start"]) if items else None


@pytest.fixture
def board(clinic: Any) -> Board:
    return Board(clinic)


@pytest.fixture
def alone_board(alone: Any) -> Board:
    """Where nobody else is due, or seen by the profiler."""
    return Board(alone)


def test_a_new_doctors_next_slot_is_the_first_shown_and_told_once(board: Board) -> None:
    doctor = board.doctor(minNoticeMinutes=45)
    first = board.shown(doctor)
    assert first
    assert board.kept(doctor)["nextAvailable"] == {"start": first, "end": first + HALF}
    assert [(item["doctorId"], item["version"]) for item in board.told(doctor)] == [(doctor, 1)]
    board.updated(doctor)
    assert len(board.told(doctor)) == 1


def test_booked_it_is_the_next_and_cancelled_it_is_back(board: Board) -> None:
    doctor = board.doctor(minNoticeMinutes=60)
    first = board.start(doctor)
    assert first
    board.book(doctor, first + HALF)
    booked = board.book(doctor, first)
    board.handle(booked)
    assert board.start(doctor) == first + 2 * HALF == board.shown(doctor)
    board.handle(board.cancel(booked))
    assert board.start(doctor) == first
    assert [item["version"] for item in board.told(doctor)] == [1, 2, 3]
    assert board.told(doctor)[-1]["nextAvailable"]["start"] == board.told(doctor)[0]["nextAvailable"]["start"]


def test_a_move_frees_one_time_and_takes_another(board: Board) -> None:
    doctor = board.doctor(minNoticeMinutes=60)
    first = board.start(doctor)
    assert first
    booked = board.book(doctor, first)
    board.handle(booked)
    # the appointment goes to tomorrow, and what it leaves is before the slot that is kept
    away = {"start": first + timedelta(days=1), "end": first + timedelta(days=1) + HALF}
    board.database["appointments"].update_one({"_id": booked["id"]}, {"$set": {**away, "claims": [f"d:{doctor}:1"]}})
    board.handle(booked, **away, previousStart=first)
    assert board.start(doctor) == first == board.shown(doctor)


def test_time_freed_by_a_booking_of_another_length_is_found(board: Board) -> None:
    doctor = board.doctor(minNoticeMinutes=60)
    first = board.start(doctor)
    assert first
    later = first + timedelta(hours=4)
    booked = board.book(doctor, later + HALF)
    # slots of two hours now, all taken but the one around what is cancelled then
    midnight = datetime.combine(first.date(), time(), UTC)
    board.doctor(doctor, version=2, slotMinutes=120, minNoticeMinutes=60)
    slots = [midnight + n * timedelta(hours=2) for n in range(48)]
    around = max(slot for slot in slots if slot <= later + HALF)
    for slot in slots:
        if first <= slot < around:
            board.handle(board.book(doctor, slot))
    assert board.start(doctor) == around + timedelta(hours=2) == board.shown(doctor)
    board.handle(board.cancel(booked))
    assert board.start(doctor) == around == board.shown(doctor)


def test_what_comes_after_it_or_is_over_is_answered_with_one_read_at_most(alone_board: Board) -> None:
    board = alone_board
    doctor = board.doctor()
    first = board.start(doctor)
    assert first
    booked = board.book(doctor, first + 3 * HALF)
    with profiled(board.database) as profile:
        board.handle(booked)
        (only,) = profile.new()
        assert (only["op"], only["planSummary"], only["docsExamined"]) == ("query", "IDHACK", 1)
        board.handle(board.cancel(booked))
        board.handle(booked, start=first - timedelta(days=1), end=first - timedelta(hours=23))
        board.handle(booked, doctorId=new_id())
        reads = [item for item in profile.new() if item["op"] == "query" and item["ns"].endswith(".calendars")]
    assert len([item for item in reads if "projection" in item["command"]]) == 2
    assert board.start(doctor) == first
    assert len(board.told(doctor)) == 1


def test_a_slot_that_has_become_too_near_is_overtaken_by_the_next(alone_board: Board) -> None:
    board = alone_board
    doctor = board.doctor(minNoticeMinutes=90)
    first = board.start(doctor)
    assert first
    bookable_until = first - timedelta(minutes=90)
    board.sweep_at(board.clinic.clock())
    assert board.kept(doctor)["lookAt"] == bookable_until
    assert board.sweep_at(bookable_until - timedelta(seconds=5)) == 0
    assert board.sweep_at(bookable_until + timedelta(seconds=1)) == 1
    assert board.start(doctor) == first + HALF
    assert board.openings.sweep(1000) == {"openings": 0}


def test_where_nothing_is_free_the_next_day_within_the_horizon_brings_something(board: Board) -> None:
    zone = "Pacific/Auckland"
    doctor = board.doctor(timezone=zone, horizonDays=1, slotMinutes=480)
    while start := board.start(doctor):
        board.handle(board.book(doctor, start))
    assert board.shown(doctor) is None
    assert board.told(doctor)[-1]["nextAvailable"] is None
    look_at = board.kept(doctor)["lookAt"]
    assert look_at <= board.clinic.clock() + timedelta(hours=1)
    calendar = board.kept(doctor)["calendar"]
    assert calendar["timezone"] == zone
    for _ in range(26):
        board.sweep_at(board.kept(doctor)["lookAt"] + timedelta(seconds=1))
        if board.start(doctor):
            break
    opened = board.start(doctor)
    assert opened == board.shown(doctor)
    # at the doctor's midnight, and not an hour later
    local = board.clinic.clock().astimezone(Calendar.from_dict(calendar).zone)
    assert (local.hour, local.minute) == (0, 0)


@pytest.mark.parametrize(
    "facts",
    [
        {"moderationStatus": "PENDING"},
        {"moderationStatus": "SUSPENDED"},
        {"visible": False},
        {"active": False},
        {"accepting": False},
        {"calendar": None},
    ],
)
def test_who_cannot_be_booked_has_none(board: Board, facts: dict[str, Any]) -> None:
    doctor = board.doctor()
    board.clinic.tell_doctor(doctor, 2, **facts)
    board.updated(doctor)
    assert board.start(doctor) is None
    assert [bool(item["nextAvailable"]) for item in board.told(doctor)] == [True, False]
    assert "lookAt" not in board.kept(doctor)
    board.doctor(doctor, version=3)
    assert board.start(doctor) == board.shown(doctor)


def test_an_account_that_is_closed_and_opened_again(board: Board) -> None:
    doctor = board.doctor()
    first = board.start(doctor)
    for version, kind in ((2, "user-deactivated"), (3, "user-recovered")):
        board.clinic.tell(kind, doctor, version, role="doctor")
        board.database.transact(lambda session: board.openings.account_changed(doctor, session))
    assert [bool(item["nextAvailable"]) for item in board.told(doctor)] == [True, False, True]
    assert board.start(doctor) == first


def test_the_calendar_of_somebody_erased_is_not_brought_back(board: Board) -> None:
    doctor = board.doctor()
    first = board.start(doctor)
    assert first
    booked = board.book(doctor, first)
    stale = board.kept(doctor)
    board.clinic.tell("user-deleted", doctor, 2, role="doctor")
    erased = board.kept(doctor)
    assert not {"nextAvailable", "lookAt", "calendar", "outbox"} & erased.keys()
    board.handle(booked)
    board.updated(doctor)
    board.openings.sweep(10)
    # a look that began before the erasure
    store = OpeningStore(board.database)
    assert not store.put(stale, None, first, events.next_available_changed(doctor, 2, None, None))
    assert not store.look_at(stale, first)
    assert board.kept(doctor) == erased


def test_a_slot_that_is_held_is_taken_and_its_end_is_noticed_within_a_minute(alone_board: Board) -> None:
    board = alone_board
    doctor = board.doctor(minNoticeMinutes=60)
    first = board.start(doctor)
    assert first
    booked = board.book(doctor, first)
    board.handle(booked)
    # as the waitlist does when the time is given back
    board.database["appointments"].update_one({"_id": booked["id"]}, {"$set": {"status": HELD}})
    board.handle(booked)
    assert board.start(doctor) == first + HALF
    board.handle(board.book(doctor, first + HALF))
    assert board.start(doctor) == first + 2 * HALF
    for _ in range(2):
        assert board.kept(doctor)["lookAt"] <= board.clinic.clock() + timedelta(minutes=1)
        assert board.sweep_at(board.kept(doctor)["lookAt"] + timedelta(seconds=1)) == 1
        assert board.start(doctor) == first + 2 * HALF
    # it lapses, and nothing is told of that
    board.database["appointments"].delete_one({"_id": booked["id"]})
    assert board.sweep_at(board.kept(doctor)["lookAt"] + timedelta(seconds=1)) == 1
    assert board.start(doctor) == first
    assert board.kept(doctor)["lookAt"] == first - timedelta(minutes=60)


def test_a_look_that_missed_what_was_booked_meanwhile_is_put_right(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor = board.doctor(minNoticeMinutes=60)
    first = board.start(doctor)
    assert first
    booked = board.book(doctor, first)
    board.handle(booked)
    board.cancel(booked)
    taken = AppointmentStore.taken

    def read_just_before(*asked: Any) -> list[Document]:
        found = taken(*asked)
        monkeypatch.setattr(AppointmentStore, "taken", taken)
        # booked once more, and its news handled while the slot of before is still kept
        board.handle(board.book(doctor, first))
        assert board.start(doctor) == first + HALF
        return found

    monkeypatch.setattr(AppointmentStore, "taken", read_just_before)
    board.handle(booked)
    assert board.start(doctor) == first + HALF == board.shown(doctor)


def test_a_booking_that_came_as_the_calendar_changed_is_found_by_the_next_sweep(
    alone_board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = alone_board
    doctor = board.doctor(minNoticeMinutes=60)
    first = board.start(doctor)
    assert first
    taken = AppointmentStore.taken

    def read_just_before(*asked: Any) -> list[Document]:
        found = taken(*asked)
        monkeypatch.setattr(AppointmentStore, "taken", taken)
        board.book(doctor, first)
        return found

    monkeypatch.setattr(AppointmentStore, "taken", read_just_before)
    board.updated(doctor)
    assert board.start(doctor) == first
    assert board.openings.sweep(10) == {"openings": 1}
    assert board.start(doctor) == first + HALF == board.shown(doctor)


def test_what_is_kept_is_right_after_news_that_came_all_at_once(board: Board) -> None:
    doctor = board.doctor(minNoticeMinutes=60)
    first = board.start(doctor)
    assert first
    for _ in range(8):
        slots = [first + n * HALF for n in range(6)]
        barrier = Barrier(len(slots))

        def come_and_go(start: datetime, barrier: Barrier = barrier) -> Document:
            booked = board.book(doctor, start)
            barrier.wait()
            board.handle(booked)
            if start.minute:
                board.handle(board.cancel(booked))
            return booked

        with ThreadPoolExecutor(len(slots)) as pool:
            made = list(pool.map(come_and_go, slots))
        assert board.start(doctor) == board.shown(doctor)
        barrier = Barrier(len(slots))

        def end(booked: Document, barrier: Barrier = barrier) -> None:
            barrier.wait()
            if not datetime.fromisoformat(booked["start"]).minute:
                board.handle(board.cancel(booked))

        with ThreadPoolExecutor(len(slots)) as pool:
            list(pool.map(end, made))
        assert board.start(doctor) == board.shown(doctor) == first
    versions = [item["version"] for item in board.told(doctor)]
    assert versions == list(range(versions[0], versions[0] + len(versions)))


def test_two_sweeps_at_once_tell_once(board: Board) -> None:
    doctors = [board.doctor(minNoticeMinutes=60) for _ in range(5)]
    first = board.start(doctors[0])
    assert first
    board.clinic.clock.shift = first - timedelta(minutes=59) - board.clinic.clock()
    barrier = Barrier(2)

    def sweep(_: int) -> None:
        barrier.wait()
        board.openings.sweep(1000)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(sweep, range(2)))
    for doctor in doctors:
        assert [item["version"] for item in board.told(doctor)] == [1, 2]
        assert board.start(doctor) == first + HALF


def test_what_is_not_fetched_does_not_pile_up(board: Board) -> None:
    doctor = board.doctor(minNoticeMinutes=60)
    for _ in range(12):
        start = board.start(doctor)
        assert start
        booked = board.book(doctor, start)
        board.handle(booked)
        board.handle(board.cancel(booked))
    told = board.told(doctor)
    assert [item["version"] for item in told] == list(range(6, 26))
    assert board.kept(doctor)["openingVersion"] == 25


def test_every_look_uses_an_index(alone_board: Board) -> None:
    board = alone_board
    doctor = board.doctor(minNoticeMinutes=60, horizonDays=365)
    first = board.start(doctor)
    assert first
    booked = board.book(doctor, first)
    board.database["calendars"].insert_many([{"_id": new_id()} for _ in range(2000)])
    made = [stored(new_id(), first + n * HALF) for n in range(3000)]
    board.database["appointments"].insert_many(made)
    with profiled(board.database) as profile:
        board.handle(booked)
        assert board.start(doctor) == first + HALF
        assert_indexed(profile.new(), examined=5)
        board.updated(doctor)
        assert_indexed(profile.new(), examined=50)
        assert board.openings.sweep(10) == {"openings": 1}
        assert_indexed(profile.new(), examined=50)
        assert board.openings.sweep(10) == {"openings": 0}
        (nothing,) = profile.new()
        assert (nothing["keysExamined"], nothing["docsExamined"]) == (0, 0)


def test_a_doctor_who_is_booked_up_for_a_year_is_looked_at_with_few_queries(alone_board: Board) -> None:
    board = alone_board
    doctor = board.doctor(minNoticeMinutes=60, horizonDays=365, slotMinutes=480)
    start = board.start(doctor)
    assert start
    made = [stored(doctor, start + n * timedelta(hours=8), timedelta(hours=8)) for n in range(3 * 367)]
    board.database["appointments"].insert_many(made)
    with profiled(board.database) as profile:
        board.updated(doctor)
        searches = [item for item in profile.new() if item["ns"].endswith(".appointments")]
    assert board.start(doctor) is None
    assert len(searches) <= 17
    assert sum(item["docsExamined"] for item in searches) < 1.1 * len(made)
    late = made[-30]
    board.database["appointments"].delete_one({"_id": late["_id"]})
    with profiled(board.database) as profile:
        board.handle({**late, "id": late["_id"]})
        assert_indexed(profile.new(), examined=20)
    assert board.start(doctor) == late["start"]


def stored(doctor: str, start: datetime, length: timedelta = HALF) -> Document:
    """An appointment as far as a look goes."""
    identifier = new_id()
    return {
        "_id": identifier,
        "doctorId": doctor,
        "start": start,
        "end": start + length,
        "status": "BOOKED",
        "claims": [f"d:{doctor}:{identifier}"],
    }
