"""What is counted is what happened: each change once, however often it was asked for."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from prometheus_client import REGISTRY

from chassis.clock import new_id
from devkit.testing import bearer

BOOKED = ("appointment_changes_total", {"action": "book", "by": "patient"})
TAKEN = ("appointment_changes_refused_total", {"action": "book", "code": "SLOT_TAKEN"})
CANCELLED = ("appointment_changes_total", {"action": "cancel", "by": "doctor"})


def counting(*series: tuple[str, dict[str, str]]) -> Callable[[], list[float]]:
    """How much each has grown since."""
    before = [REGISTRY.get_sample_value(name, labels) or 0 for name, labels in series]
    return lambda: [
        (REGISTRY.get_sample_value(name, labels) or 0) - had for (name, labels), had in zip(series, before, strict=True)
    ]


def test_bookings_and_conflicts_are_counted_once_each(clinic: Any, noon: datetime) -> None:
    doctor, ann, ben = clinic.doctor(), new_id(), new_id()
    body = {"doctorId": doctor, "start": noon.isoformat()}

    def book(patient: str, **headers: str) -> Any:
        return clinic.client.post("/api/v1/appointments", json=body, headers=bearer(patient) | headers)

    grown = counting(BOOKED, TAKEN, CANCELLED)
    booked = book(ann, **{"Idempotency-Key": "k1"})
    assert booked.status_code == 201
    assert book(ann, **{"Idempotency-Key": "k1"}).headers["Idempotency-Replayed"] == "true"
    assert grown() == [1, 0, 0]

    # with a key and without
    for key in ({"Idempotency-Key": "k2"}, {"Idempotency-Key": "k2"}, {}):
        assert book(ben, **key).json["code"] == "SLOT_TAKEN"
    assert grown() == [1, 2, 0]

    path = f"/api/v1/appointments/{booked.json['data']['id']}/cancel"
    for status in (200, 409):
        assert clinic.client.post(path, json={}, headers=bearer(doctor, "doctor")).status_code == status
    assert grown() == [1, 2, 1]
