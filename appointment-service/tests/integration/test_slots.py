"""The slots that a doctor shows."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chassis.clock import new_id, now


def test_by_default_it_is_the_doctors_week_from_today(clinic: Any) -> None:
    zone = ZoneInfo("Pacific/Kiritimati")
    doctor = clinic.doctor(timezone=zone.key)
    data = clinic.client.get(f"/api/v1/doctors/{doctor}/slots").json["data"]
    days = sorted({datetime.fromisoformat(item["start"]).astimezone(zone).date() for item in data["items"]})
    today = now().astimezone(zone).date()
    assert (data["doctorId"], data["timezone"], data["slotMinutes"]) == (doctor, zone.key, 30)
    assert days[-1] == today + timedelta(days=6)
    # the last slot of today may be over already
    assert len(days) in (6, 7)


def test_they_are_in_order_and_last_their_length(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor(slotMinutes=45, bufferMinutes=10)
    day = noon.date()
    items = clinic.client.get(f"/api/v1/doctors/{doctor}/slots?from={day}&to={day}").json["data"]["items"]
    times = [(datetime.fromisoformat(item["start"]), datetime.fromisoformat(item["end"])) for item in items]
    assert times == sorted(times)
    assert {end - start for start, end in times} == {timedelta(minutes=45)}
    assert {later - start for (start, _), (later, _) in pairwise(times)} == {timedelta(minutes=55)}


def test_a_slot_in_which_a_longer_appointment_ends_is_taken(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor(slotMinutes=480)
    clinic.booked(new_id(), doctor, noon.replace(hour=8))
    clinic.doctor(doctor, version=2, slotMinutes=30)
    starts = [datetime.fromisoformat(start) for start in clinic.starts(doctor, noon)]
    assert not [start for start in starts if 8 <= start.hour < 16]
    assert {start.hour for start in starts} == {*range(8), *range(16, 24)}


def test_an_appointment_over_midnight_takes_the_next_days_first_slot(clinic: Any, noon: datetime) -> None:
    # a quarter to midnight in UTC is half past five in Kathmandu
    doctor = clinic.doctor(timezone="Asia/Kathmandu")
    clinic.booked(new_id(), doctor, noon.replace(hour=23, minute=45))
    clinic.doctor(doctor, version=2, timezone="UTC")
    tomorrow = noon + timedelta(days=1)
    assert clinic.starts(doctor, tomorrow)[0] == f"{tomorrow:%Y-%m-%d}T00:30:00Z"


def test_a_doctor_who_accepts_nobody_or_has_no_calendar_shows_no_slots(clinic: Any) -> None:
    without, closed = new_id(), clinic.doctor()
    clinic.tell_doctor(without, 1, calendar=None)
    clinic.tell_doctor(closed, 2, accepting=False)
    shown = [clinic.client.get(f"/api/v1/doctors/{doctor}/slots").json["data"] for doctor in (without, closed)]
    assert [data["items"] for data in shown] == [[], []]
    assert [data["timezone"] for data in shown] == [None, "Europe/Paris"]


def test_thirty_one_days_are_shown_and_no_more(clinic: Any) -> None:
    doctor = clinic.doctor(slotMinutes=480)
    first = now().date()
    path = f"/api/v1/doctors/{doctor}/slots?from={first}&to="
    assert clinic.client.get(f"{path}{first + timedelta(days=30)}").status_code == 200
    answer = clinic.client.get(f"{path}{first + timedelta(days=31)}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == ["to"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2030-01-02&to=2030-01-01", "to"),
        ("to=2020-01-01", "to"),
        ("from=soon", "from"),
        ("from=1893456000", "from"),
        ("from=2030-02-30", "from"),
        ("to=2030-01-01T00:00:00Z", "to"),
        ("day=2030-01-01", "day"),
        ("from=2030-01-01&from=2030-01-02", "from"),
    ],
)
def test_dates_that_make_no_range_are_refused(clinic: Any, query: str, field: str) -> None:
    answer = clinic.client.get(f"/api/v1/doctors/{clinic.doctor()}/slots?{query}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize("query", ["from=9999-12-31", "from=0001-01-01&to=0001-01-05", "from=2020-01-01"])
def test_dates_on_which_nothing_can_be_booked_are_empty(clinic: Any, query: str) -> None:
    answer = clinic.client.get(f"/api/v1/doctors/{clinic.doctor()}/slots?{query}")
    assert (answer.status_code, answer.json["data"]["items"]) == (200, [])


DAY, STEP = timedelta(days=1), timedelta(minutes=5)


def set_clock(clinic: Any, when: datetime) -> None:
    clinic.clock.shift += when - clinic.clock()


def shown(clinic: Any, doctor: str, first: date, last: date) -> list[datetime]:
    answer = clinic.client.get(f"/api/v1/doctors/{doctor}/slots?from={first}&to={last}")
    return [datetime.fromisoformat(item["start"]) for item in answer.json["data"]["items"]]


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [
        # half an hour is missing
        ("Australia/Lord_Howe", "2024-10-06", "2024-10-06"),
        # half an hour comes twice
        ("Australia/Lord_Howe", "2024-04-07", "2024-04-07"),
        # a whole day is missing
        ("Pacific/Apia", "2011-12-30", "2011-12-31"),
        ("Pacific/Kwajalein", "1993-08-21", "1993-08-22"),
    ],
)
def test_every_slot_shown_is_bookable_and_no_other_time_after_the_doctor_changed_zone_and_length(
    clinic: Any, zone: str, first: str, last: str
) -> None:
    begin, end = (
        datetime.combine(date.fromisoformat(day), time(), ZoneInfo(zone)).astimezone(UTC) for day in (first, last)
    )
    set_clock(clinic, begin - 3 * DAY)
    doctor = clinic.doctor(timezone="Asia/Kathmandu", slotMinutes=75, bufferMinutes=10)
    standing = [
        datetime.fromisoformat(clinic.booked(new_id(), doctor, start)["end"]) - timedelta(minutes=75)
        for start in shown(clinic, doctor, (begin - DAY).date(), (end + DAY).date())[::5]
    ]
    clinic.doctor(doctor, version=2, timezone=zone, slotMinutes=40, bufferMinutes=5)
    slots = shown(clinic, doctor, date.fromisoformat(first), date.fromisoformat(last))
    assert slots
    assert not [
        (start, held)
        for start in slots
        for held in standing
        if start < held + timedelta(minutes=75) and held < start + timedelta(minutes=40)
    ]
    moment, others = begin, []
    while moment.astimezone(ZoneInfo(zone)).date() <= date.fromisoformat(last):
        others += [] if moment in slots else [moment]
        moment += STEP
    refused = [clinic.book(new_id(), doctor, start) for start in others]
    assert {answer.status_code for answer in refused} == {409}
    assert {answer.json["code"] for answer in refused} == {"SLOT_UNAVAILABLE", "SLOT_TAKEN"}
    assert {clinic.book(new_id(), doctor, start).status_code for start in slots} == {201}
    assert shown(clinic, doctor, date.fromisoformat(first), date.fromisoformat(last)) == []


def test_the_notice_ends_for_showing_and_for_booking_at_once(clinic: Any, noon: datetime) -> None:
    doctor = clinic.doctor(minNoticeMinutes=90)
    set_clock(clinic, noon - timedelta(minutes=91))
    assert shown(clinic, doctor, noon.date(), noon.date())[0] == noon
    assert clinic.book(new_id(), doctor, noon).status_code == 201
    later = noon + timedelta(minutes=30)
    set_clock(clinic, later - timedelta(minutes=90) + timedelta(seconds=1))
    assert shown(clinic, doctor, noon.date(), noon.date())[0] == noon + timedelta(hours=1)
    refused = clinic.book(new_id(), doctor, later)
    assert (refused.status_code, refused.json["code"]) == (409, "SLOT_UNAVAILABLE")


def test_the_horizon_moves_at_the_doctors_midnight_for_showing_and_for_booking(clinic: Any, noon: datetime) -> None:
    zone = ZoneInfo("America/St_Johns")
    doctor = clinic.doctor(timezone=zone.key, horizonDays=2)
    midnight = datetime.combine(noon.date(), time(), zone)
    furthest = midnight.date() + 2 * DAY
    opening = datetime.combine(furthest, time(), zone).astimezone(UTC)
    set_clock(clinic, midnight - timedelta(minutes=1))
    assert shown(clinic, doctor, furthest, furthest) == []
    assert clinic.book(new_id(), doctor, opening).json["code"] == "SLOT_UNAVAILABLE"
    set_clock(clinic, midnight)
    assert shown(clinic, doctor, furthest, furthest)[0] == opening
    assert clinic.book(new_id(), doctor, opening).status_code == 201
    assert clinic.book(new_id(), doctor, opening + DAY).json["code"] == "SLOT_UNAVAILABLE"
