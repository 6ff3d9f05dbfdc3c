"""Reviews and replies, reports, and who waits in line."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

from tests.seed import lists
from tests.seed.people import DAY, Batch, Doctor, Document, Patient, identifier, text

_SHARE = 0.33
"""Of the visits, so many are reviewed."""


def reviews(
    batch: Batch, doctors: Sequence[Doctor], patients: Sequence[Patient], appointments: Iterable[Document]
) -> Iterator[Document]:
    """Of visits that took place, as the doctors deserve: most four or five stars. The sour ones are answered sooner."""
    random = batch.random("reviews")
    known = {doctor.id: doctor for doctor in doctors}
    names = {patient.id: patient.person["name"] for patient in patients}
    number = 0
    for appointment in appointments:
        if appointment["status"] != "COMPLETED" or random.random() >= _SHARE:
            continue
        at = datetime.fromisoformat(appointment["acts"][-1]["at"]) + timedelta(minutes=random.randint(40, 8 * 1440))
        if at >= batch.at:
            continue
        doctor = known[appointment["doctorId"]]
        # now and then a visit goes wrong with the best
        stars = random.randint(1, 2) if random.random() < 0.03 else _stars(random, doctor.skill)
        yield {
            "reviewId": identifier(batch, "review", number, at),
            **{name: appointment[name] for name in ("appointmentId", "doctorId", "patientId")},
            "patientName": names[appointment["patientId"]],
            "rating": stars,
            "comment": _comment(random, stars),
            "at": text(at),
            "reply": _reply(random, batch, stars, at),
            "reports": _reports(random, batch, doctor, stars, at),
        }
        number += 1


def _stars(random: Random, skill: float) -> int:
    return max(2, min(5, round(random.gauss(skill + 0.3, 0.8))))


def _comment(random: Random, stars: int) -> str | None:
    if random.random() < 0.25:
        return None
    openings, details = lists.REVIEWS[stars]
    return f"{random.choice(openings)}: {random.choice(details)}."


def _reply(random: Random, batch: Batch, stars: int, reviewed: datetime) -> Document | None:
    at = reviewed + timedelta(minutes=random.randint(60, 4 * 1440))
    if random.random() >= (0.5 if stars <= 2 else 0.12) or at >= batch.at:
        return None
    return {"text": random.choice(lists.THANKS if stars >= 4 else lists.REGRETS), "at": text(at)}


def _reports(random: Random, batch: Batch, doctor: Doctor, stars: int, reviewed: datetime) -> list[Document]:
    at = reviewed + timedelta(minutes=random.randint(60, 4 * 1440))
    if random.random() >= (0.06 if stars <= 2 else 0.002) or at >= batch.at:
        return []
    return [{"by": doctor.id, "reason": random.choice(lists.REPORTS), "at": text(at)}]


def places(
    batch: Batch, doctors: Sequence[Doctor], patients: Sequence[Patient], accepting: Iterable[str]
) -> Iterator[Document]:
    """A few patients wait for each of the doctors that others praise most, for days of the next weeks."""
    random, open_to_all = batch.random("places"), set(accepting)
    praised = sorted((each for each in doctors if each.id in open_to_all), key=lambda each: (-each.skill, each.id))
    number = 0
    for doctor in praised[: max(1, len(praised) // 8)]:
        near = [patient for patient in patients if patient.site == doctor.site and patient.active]
        for patient in random.sample(near, min(len(near), random.randint(2, 6))):
            at = batch.at - timedelta(minutes=random.randint(30, 6 * 1440))
            first = batch.today + random.randint(1, 6) * DAY
            last = first + random.randint(2, 14) * DAY
            yield {
                "placeId": identifier(batch, "place", number, at),
                "doctorId": doctor.id,
                "patientId": patient.id,
                "from": str(first.date()),
                "to": str(last.date()),
                "at": text(at),
            }
            number += 1
