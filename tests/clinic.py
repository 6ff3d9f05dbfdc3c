"""Steps that the walk-through and the end-to-end tests share: a doctor who can be booked, a slot, a booking."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.client import Answer, Gateway, Person, eventually

PROFILE = {
    "specialty": "Cardiology",
    "bio": "Listens first.",
    "qualifications": ["MD"],
    "languages": ["en", "de"],
    "experienceYears": 12,
    "fee": {"amount": 120, "currency": "EUR"},
    "clinic": {"name": "Harbour Clinic", "address": "1 Quay Street", "city": "Hamburg", "country": "DE"},
}
DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


def hours(zone: str = "America/New_York", **settings: Any) -> dict[str, Any]:
    """An availability: every day, around the clock, in half hours, unless ``settings`` say otherwise."""
    weekly = [{"weekday": day, "from": "00:00", "to": "24:00"} for day in DAYS]
    return {"timezone": zone, "slotMinutes": 30, "weekly": weekly, **settings}


def bookable_doctor(gateway: Gateway, admin: Person, name: str = "Ben Ito", **settings: Any) -> Person:
    """A doctor who was approved, has hours, and whose slots can be seen."""
    doctor = gateway.sign_up(name, role="doctor")
    doctor.put("/doctors/me", PROFILE).expect(201)
    admin.post(f"/admin/doctors/{doctor.id}/approve").expect(200)
    doctor.put("/doctors/me/availability", hours(**settings)).expect(200)
    eventually("the doctor's slots", lambda: slots(gateway, doctor))
    return doctor


def slots(gateway: Gateway, doctor: Person) -> list[dict[str, str]]:
    """What can be booked in the next days."""
    first = datetime.now(UTC).date()
    path = f"/doctors/{doctor.id}/slots?from={first}&to={first + timedelta(days=3)}"
    items: list[dict[str, str]] = gateway.call("GET", path).expect(200).data["items"]
    return items


def book(patient: Person, doctor: Person, start: str) -> Answer:
    return patient.post("/appointments", {"doctorId": doctor.id, "start": start})
