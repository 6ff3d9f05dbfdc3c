"""Doctors, patients and their records."""

import hashlib
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from tests.seed import lists
from tests.seed.lists import SPECIALTIES, Specialty
from tests.seed.sites import SITES, Site

Document = dict[str, Any]
DAY = timedelta(days=1)


class Batch(NamedTuple):
    """What one plan adds, as of ``at``, behind the people that the same seed gave before."""

    seed: int
    number: int
    at: datetime
    doctors: int
    patients: int
    appointments: int
    first_doctor: int = 0
    first_patient: int = 0
    admin_id: str = "0" * 32

    def random(self, what: str) -> Random:
        return Random(f"{self.seed}:{self.number}:{what}")

    @property
    def today(self) -> datetime:
        """The midnight (UTC) that all times are counted from, so that a day's plans differ in what is over alone."""
        return self.at.replace(hour=0, minute=0, second=0, microsecond=0)


def identifier(batch: Batch, kind: str, number: int, at: datetime) -> str:
    """An id in the form of the suite's own: the millisecond of its making, then 80 bits of a hash."""
    digest = hashlib.blake2b(f"{batch.seed}:{batch.number}:{kind}:{number}".encode(), digest_size=10).hexdigest()
    return f"{int(at.timestamp() * 1000):012x}{digest}"


def text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Doctor(NamedTuple):
    """A person who treats others; ``works``: is booked, and ``opened`` the first day of that."""

    id: str
    person: Document
    site: int
    specialty: Specialty
    status: str
    works: bool
    opened: datetime
    skill: float
    """The stars that visits to this doctor deserve."""


class Patient(NamedTuple):
    id: str
    person: Document
    site: int
    active: bool


def sites(batch: Batch) -> int:
    """How many places the group has: a handful of doctors each."""
    return max(1, min(len(SITES), batch.doctors // 4))


def doctors(batch: Batch) -> list[Doctor]:
    """The first work; of the last, a few wait for approval, and one was turned down."""
    random, count = batch.random("doctors"), sites(batch)
    waiting = max(1, batch.doctors // 25) if batch.doctors > 1 else 0
    rejected = 1 if batch.doctors >= 20 else 0
    weights = [specialty.weight for specialty in SPECIALTIES]
    made = []
    for number in range(batch.doctors):
        left = batch.doctors - number
        status = "PENDING" if left <= waiting else "REJECTED" if left <= waiting + rejected else "APPROVED"
        newcomer = status != "APPROVED"
        # one in five came to the group during the year
        age = (
            random.randint(1, 9)
            if newcomer
            else random.randint(40, 300)
            if number % 5 == 4
            else random.randint(380, 800)
        )
        at = batch.today - age * DAY - timedelta(minutes=random.randint(0, 600))
        site = number % count
        # of each specialty somebody, before there is a second of the common ones
        specialty = SPECIALTIES[number] if number < len(SPECIALTIES) else random.choices(SPECIALTIES, weights)[0]
        person = _person(batch, random, "doctor", number, SITES[site], at)
        opened = max(batch.today - 365 * DAY, at + 3 * DAY)
        skill = min(4.9, max(3.4, random.gauss(4.45, 0.3)))
        made.append(Doctor(person["userId"], person, site, specialty, status, not newcomer, opened, skill))
    return made


def patients(batch: Batch) -> list[Patient]:
    """One in 250 is suspended, the last of each place."""
    random, count = batch.random("patients"), sites(batch)
    suspended = max(1, batch.patients // 250) if batch.patients > 1 else 0
    made = []
    for number in range(batch.patients):
        site = number % count
        at = batch.today - random.randint(400, 800) * DAY - timedelta(minutes=random.randint(0, 1400))
        person = _person(batch, random, "patient", number, SITES[site], at)
        person["record"] = _record(random, SITES[site], batch.today) if random.random() < 0.7 else None
        active = number < batch.patients - suspended
        if not active:
            reason, then = random.choice(lists.SUSPENDED), batch.today - random.randint(1, 60) * DAY
            person["suspension"] = {"reason": reason, "at": text(then), "by": batch.admin_id}
            person |= {"status": "SUSPENDED", "version": person["version"] + 1}
        made.append(Patient(person["userId"], person, site, active))
    return made


def _person(batch: Batch, random: Random, role: str, number: int, site: Site, at: datetime) -> Document:
    name = _name(random, site)
    # no two people of one seed have one number
    place = number + (batch.first_doctor if role == "doctor" else batch.first_patient)
    title = "dr." if role == "doctor" else ""
    verified = role == "doctor" or random.random() < 0.93
    return {
        "userId": identifier(batch, role, number, at),
        "email": f"{title}{_plain(name)}.{batch.seed}-{place}@clinic.example",
        "name": name,
        "role": role,
        "registeredAt": text(at),
        "emailVerified": verified,
        "phone": f"{site.dialling}{random.randint(100, 999)}" if random.random() < 0.8 else None,
        "locale": site.languages.split()[0],
        "timezone": site.zone,
        "status": "ACTIVE",
        "suspension": None,
        "record": None,
        # as made, then with zone and language
        "version": 3 if verified else 2,
    }


def _name(random: Random, site: Site) -> str:
    given, family = lists.NAMES[random.choice(site.names.split())]
    return f"{random.choice(given.split())} {random.choice(family.split())}"


_LETTERS = str.maketrans({"ł": "l", "ı": "i", "ø": "o", "ß": "ss", "đ": "d"})


def _plain(name: str) -> str:
    """A name as the local part of an address has it."""
    letters = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS))
    return "".join(letter for letter in letters if letter.isascii()).replace(" ", ".")


def _record(random: Random, site: Site, today: datetime) -> Document:
    def some(items: tuple[str, ...], share: float) -> list[str]:
        return random.sample(items, random.choice((1, 1, 2))) if random.random() < share else []

    born = today - random.randint(365, 32_000) * DAY
    contact = {"name": _name(random, site), "phone": f"{site.dialling}{random.randint(100, 999)}"}
    return {
        "dateOfBirth": str(born.date()),
        "sex": random.choice(("female", "male")) if random.random() < 0.98 else "other",
        "bloodGroup": random.choice(lists.BLOOD_GROUPS) if random.random() < 0.6 else None,
        "allergies": some(lists.ALLERGIES, 0.3),
        "conditions": some(lists.CONDITIONS, 0.35),
        "medications": some(lists.MEDICATIONS, 0.35),
        "emergencyContact": {**contact, "relation": random.choice(lists.RELATIONS)} if random.random() < 0.6 else None,
        "insurance": {"provider": random.choice(lists.INSURERS), "policyNumber": f"{random.randint(10**7, 10**8)}"},
    }


def follows(batch: Batch, doctors: list[Doctor], patients: list[Patient]) -> Iterator[Document]:
    """Two in five patients follow up to three doctors of their place, the skilled ones sooner."""
    random = batch.random("follows")
    near: dict[int, list[Doctor]] = {}
    for doctor in doctors:
        if doctor.works:
            near.setdefault(doctor.site, []).append(doctor)
    for patient in patients:
        known = near.get(patient.site)
        if known and patient.active and random.random() < 0.4:
            weights = [doctor.skill**6 for doctor in known]
            chosen = {doctor.id: doctor for doctor in random.choices(known, weights, k=random.randint(1, 3))}
            for doctor in chosen.values():
                at = doctor.opened + random.random() * (batch.today - doctor.opened)
                yield {"patientId": patient.id, "doctorId": doctor.id, "at": text(at)}
