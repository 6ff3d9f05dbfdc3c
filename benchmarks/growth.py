"""Slots and booking while the clinic grows from 10,000 to 1,000,000 appointments, of 10,000 doctors."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from benchmarks.load import Request, put
from benchmarks.reads import week
from benchmarks.results import Curve, Figure, Part
from benchmarks.world import World

GOAL = 1.2
DOCTORS = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CELL = timedelta(minutes=5)


def measure(world: World, seconds: float, rounds: int, sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)) -> Part:
    """Medians with four clients at each size; the world's own doctors are asked, who are few among the many."""
    del rounds
    database = world.mongo["appointment-service"]
    sample = database["appointments"].find_one({"claims": {"$exists": True}})
    if sample is None:
        put(world.suite.gateway_url, world.bookings(32), clients=4, once=True)
        sample = database["appointments"].find_one({"claims": {"$exists": True}})
    calendar = database["calendars"].find_one({"_id": world.doctors[0].id})
    assert sample
    assert calendar
    # of whom nothing is due: ten thousand that became due in one minute would be measured beside the rest
    settled = {key: value for key, value in calendar.items() if key not in ("lookAt", "capacityAt")}
    database["calendars"].insert_many(
        [{**settled, "_id": f"grown-{number}"} for number in range(DOCTORS)], ordered=False
    )
    grown = _appointments(sample)
    slots = [Request("GET", f"/api/v1/doctors/{doctor.id}/slots?{week()}") for doctor in world.doctors]
    lines: dict[str, list[tuple[float, float]]] = {"a week's slots": [], "booking": []}
    for size in sizes:
        held = database["appointments"].estimated_document_count()
        while held < size:
            batch = list(islice(grown, min(10_000, size - held)))
            database["appointments"].insert_many(batch, ordered=False)
            held += len(batch)
        # written down, so that what is measured is their number and not their arrival
        world.mongo.admin.command("fsync")
        url = world.suite.gateway_url
        put(url, slots, clients=4, seconds=1)
        read = put(url, slots, clients=4, seconds=seconds)
        booked = put(url, world.bookings(int(40 * seconds)), clients=4, once=True)
        assert read.refused == booked.refused == 0, (read, booked)
        lines["a week's slots"].append((size, read.p50))
        lines["booking"].append((size, booked.p50))
    part = Part("growth")
    for what, points in lines.items():
        share = points[-1][1] / points[0][1]
        told = f"{share:.2f} × ({points[0][1]:.1f} → {points[-1][1]:.1f} ms)"
        named = f"{what}: median at {sizes[-1]:,} appointments"
        part.figures.append(Figure(named, f"≤ {GOAL} × that at {sizes[0]:,}", told, share <= GOAL))
    part.curves.append(Curve("growth", "Median while the clinic grows", "appointments", "ms", lines, logarithmic=True))
    return part


def _appointments(sample: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Documents as the service writes them: half an hour each, every doctor's one after the other."""
    rest = {
        key: sample[key] for key in sample.keys() - {"_id", "doctorId", "patientId", "start", "end", "claims", "day"}
    }
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    number = 0
    while True:
        doctor, turn = number % DOCTORS, number // DOCTORS
        start = begin + timedelta(minutes=30 * turn)
        end = start + timedelta(minutes=30)
        first = (start - _EPOCH) // _CELL
        patient = f"grown-patient-{number}"
        yield {
            **rest,
            "_id": f"grown-{number}",
            "doctorId": f"grown-{doctor}",
            "patientId": patient,
            "start": start,
            "end": end,
            "day": str(start.date()),
            "outbox": [],
            "claims": [
                f"{who}:{cell}" for who in (f"d:grown-{doctor}", f"p:{patient}") for cell in range(first, first + 6)
            ],
        }
        number += 1
