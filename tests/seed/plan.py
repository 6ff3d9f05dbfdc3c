"""A plan: all that a clinic group is to have, written as a folder that the services read (chassis.seeding)."""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from tests.seed import lists
from tests.seed.hours import Hours
from tests.seed.opinions import places, reviews
from tests.seed.people import Batch, Doctor, Document, doctors, follows, patients, text
from tests.seed.sites import SITES
from tests.seed.year import Appointments

PASSWORD = "sunlit harbour lantern"
"""Everybody's who is made up."""


class Plan:
    """Everything of one batch, in memory; the same for the same batch, whenever it is made."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        staff, clients = doctors(batch), patients(batch)
        year = Appointments(batch, staff, clients)
        self.people = [each.person for each in (*staff, *clients)]
        random = batch.random("profiles")
        self.doctors = [_doctor(batch, random, each, year.hours[each.id]) for each in staff]
        self.appointments = list(year.lines())
        self.reviews = list(reviews(batch, staff, clients, self.appointments))
        self.follows = list(follows(batch, staff, clients))
        open_to_all = (line["doctorId"] for line in self.doctors if line["decision"] and line["accepting"])
        works = {each.id for each in staff if each.works}
        self.places = list(places(batch, staff, clients, (one for one in open_to_all if one in works)))

    def asked(self) -> dict[str, Any]:
        """What stands at its head."""
        batch = self.batch._asdict() | {"at": text(self.batch.at), "password": PASSWORD}
        return {"id": f"{self.batch.seed}-{self.batch.number}", **batch}

    def write(self, folder: Path) -> None:
        """Make the folder; its ``plan.json`` comes last, so that one that was cut off is none."""
        folder.mkdir(parents=True, exist_ok=True)
        for kind in ("people", "doctors", "appointments", "reviews", "follows", "places"):
            with (folder / f"{kind}.jsonl").open("w") as out:
                out.writelines(_written(getattr(self, kind)))
        (folder / "plan.json").write_text(json.dumps(self.asked()))


def _written(lines: Iterable[Document]) -> Iterator[str]:
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    return (f"{encode(line)}\n" for line in lines)


def _doctor(batch: Batch, random: Random, doctor: Doctor, hours: Hours) -> Document:
    """A doctor as announced, and what doctor-service alone keeps: the profile as it was sent, and how it was judged."""
    site, specialty, person = SITES[doctor.site], doctor.specialty, doctor.person
    years = random.randint(3, 35)
    unhurried = random.choice(lists.UNHURRIED)
    bio = random.choice(lists.BIOS).format(care=specialty.cares_for, years=years, city=site.city, unhurried=unhurried)
    languages = site.languages.split()
    clinic = {
        "name": site.clinic,
        "address": f"{random.choice(site.streets.split('|'))} {random.randint(1, 120)}",
        "city": site.city,
        "country": site.country,
    }
    step = 5 if site.fee < 1000 else 500
    profile = {
        "specialty": specialty.name,
        "bio": bio,
        "qualifications": random.sample(lists.DEGREES, random.randint(1, 3)),
        "languages": languages[: random.randint(1, len(languages))],
        "experienceYears": years,
        "fee": {
            "amount": round(site.fee * specialty.fee * random.uniform(0.8, 1.3) / step) * step,
            "currency": site.currency,
        },
        "clinic": clinic,
        "photoUrl": None,
    }
    # before anybody books
    begun = doctor.opened - timedelta(days=2, hours=2)
    decision = None
    if doctor.status != "PENDING":
        reason = lists.REJECTED if doctor.status == "REJECTED" else None
        at = begun if doctor.works else batch.at - timedelta(hours=5)
        decision = {"at": text(at), "by": batch.admin_id, "reason": reason}
    created = person["registeredAt"]
    return {
        "doctorId": doctor.id,
        # as made, decided on, and given hours
        "version": 3 if decision else 2,
        "name": person["name"],
        "specialty": specialty.name,
        "clinic": clinic,
        "moderationStatus": doctor.status,
        "visible": not doctor.works or random.random() < 0.98,
        "accepting": not doctor.works or random.random() < 0.95,
        "active": True,
        "calendar": hours.calendar,
        "opened": str(doctor.opened.date()),
        "createdAt": created,
        "updatedAt": decision["at"] if decision else created,
        "decision": decision,
        "profile": profile,
        "overrides": hours.overrides,
    }
