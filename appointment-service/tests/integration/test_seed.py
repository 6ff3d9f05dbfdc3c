"""Made-up appointments are as any others: they hold their time, have their history, and count in the figures."""

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pymongo.errors import BulkWriteError

from appointment_service.domain.errors import InvalidTransition
from appointment_service.seed import take
from chassis.clock import instant_text, new_id, now
from chassis.seeding import Plan
from devkit.testing import bearer, write_plan

ZONE = ZoneInfo("Asia/Kolkata")
TERMS = {
    "timezone": ZONE.key,
    "slotMinutes": 30,
    "bufferMinutes": 0,
    "minNoticeMinutes": 0,
    "horizonDays": 30,
    "cancellationNoticeMinutes": 120,
    "requiresConfirmation": False,
    "unattendedOutcome": "COMPLETED",
    "weekly": [
        {"weekday": day, "from": "09:00", "to": "12:00"} for day in ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
    ],
    "overrides": [],
}


def at(days: int, hour: int, minute: int = 0) -> datetime:
    """A local time, so many days from today."""
    day = now().astimezone(ZONE).date() + timedelta(days=days)
    return datetime.combine(day, time(hour, minute), ZONE)


def doctor(**more: Any) -> dict[str, Any]:
    return {
        "doctorId": new_id(),
        "version": 3,
        "name": "Priya Nair",
        "specialty": f"Specialty {new_id()}",
        "clinic": None,
        "moderationStatus": "APPROVED",
        "visible": True,
        "accepting": True,
        "active": True,
        "calendar": TERMS,
        "opened": str(at(-10, 9).date()),
        **more,
    }


def person(user_id: str, status: str = "ACTIVE") -> dict[str, Any]:
    return {"userId": user_id, "emailVerified": True, "status": status, "version": 4}


def appointment(
    doctor_id: str, patient_id: str, start: datetime, status: str, *acts: tuple[str, str, datetime]
) -> dict[str, Any]:
    booked = {"at": instant_text(start - timedelta(days=3)), "start": instant_text(start)}
    later = [{"action": action, "by": by, "at": instant_text(when)} for action, by, when in acts]
    return {
        "appointmentId": new_id(),
        "doctorId": doctor_id,
        "patientId": patient_id,
        "timezone": ZONE.key,
        "start": instant_text(start),
        "end": instant_text(start + timedelta(minutes=30)),
        "status": status,
        "version": 1 + len(acts),
        "reason": "Check-up",
        "acts": [{"action": "book", "by": "patient", **booked}, *later],
    }


def test_they_hold_their_time_have_their_history_and_count_in_the_figures(alone: Any, tmp_path: Path) -> None:
    # a plan is of the real time
    alone.clock.real()
    her, patient, other, closed = doctor(), new_id(), new_id(), new_id()
    held = appointment(her["doctorId"], patient, at(2, 9), "BOOKED")
    freed = appointment(her["doctorId"], patient, at(3, 9), "CANCELLED", ("cancel", "patient", at(1, 9)))
    visit = ("check-in", "doctor", at(-2, 9)), ("complete", "doctor", at(-2, 9, 30))
    came = appointment(her["doctorId"], other, at(-2, 9), "COMPLETED", *visit)
    missed = appointment(her["doctorId"], patient, at(-2, 10), "NO_SHOW", ("no-show", "doctor", at(-2, 10, 20)))
    place = {"placeId": new_id(), "doctorId": her["doctorId"], "patientId": other, "at": instant_text(now())}
    place |= {"from": str(at(1, 9).date()), "to": str(at(5, 9).date())}
    plan = Plan(
        write_plan(
            tmp_path / "plan",
            people=[*(person(one) for one in (her["doctorId"], patient, other)), person(closed, "SUSPENDED")],
            doctors=[her],
            appointments=[held, freed, came, missed],
            places=[place],
        )
    )
    assert take(alone.built, plan) == {"appointments": 4, "places in line": 1, "days offered": 10, "calendars": 4}

    # time that is held is not offered, nor taken twice; time that was given back is
    assert instant_text(at(2, 9)) not in alone.starts(her["doctorId"], at(2, 9))
    assert alone.book(other, her["doctorId"], at(2, 9)).json["code"] == "SLOT_TAKEN"
    alone.booked(other, her["doctorId"], at(3, 9))
    assert alone.book(closed, her["doctorId"], at(4, 9)).status_code == 401

    shown = alone.client.get(f"/api/v1/appointments/{came['appointmentId']}", headers=bearer(other)).json["data"]
    assert [line["status"] for line in shown["history"]] == ["BOOKED", "CHECKED_IN", "COMPLETED"]
    assert shown["version"] == 3
    (waiting,) = alone.client.get("/api/v1/waitlist", headers=bearer(other)).json["data"]["items"]
    assert waiting["status"] == "WAITING"

    days = f"from={at(-10, 9).date()}&to={at(5, 9).date()}"
    path = f"/api/v1/admin/analytics/appointments?{days}&groupBy=doctor"
    totals = alone.client.get(path, headers=bearer(new_id(), "admin")).json["data"]["totals"]
    counts = {status: count for status, count in totals["counts"].items() if count}
    assert counts == {"BOOKED": 2, "CANCELLED": 1, "COMPLETED": 1, "NO_SHOW": 1}
    assert totals["offeredMinutes"] == 16 * 180

    # of all that was made up nothing is announced but the next free slot
    assert alone.built.database["appointments"].count_documents({"outbox.id": {"$exists": True}}) == 1
    calendar = alone.built.database["calendars"].find_one({"_id": her["doctorId"]})
    assert calendar
    assert [event["type"] for event in calendar["outbox"]] == ["next-available-changed"]
    assert calendar["nextAvailable"]["start"] > now()


def test_what_overlaps_is_refused_by_the_database(alone: Any, tmp_path: Path) -> None:
    her, patients = doctor(), (new_id(), new_id())
    twice = [appointment(her["doctorId"], patient, at(2, 9), "BOOKED") for patient in patients]
    with pytest.raises(BulkWriteError):
        take(alone.built, Plan(write_plan(tmp_path / "plan", doctors=[her], appointments=twice)))


def test_what_can_not_have_happened_is_not_taken(alone: Any, tmp_path: Path) -> None:
    her = doctor()
    late = appointment(her["doctorId"], new_id(), at(-2, 9), "COMPLETED", ("confirm", "doctor", at(-3, 9)))
    with pytest.raises(InvalidTransition):
        take(alone.built, Plan(write_plan(tmp_path / "plan", doctors=[her], appointments=[late])))
