"""A year of appointments: who, when, and what became of each. No doctor's and no patient's overlap."""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from tests.seed import lists
from tests.seed.hours import hours, slots
from tests.seed.people import DAY, Batch, Doctor, Document, Patient, identifier, text

SEASON = (1.15, 1.2, 1.1, 1.0, 0.95, 0.95, 0.75, 0.7, 1.0, 1.1, 1.15, 0.8)
"""How much is asked for in each month."""
MOST_PER_PATIENT = 60
"""More than once a week, which is much; it is asked for where many appointments are to be few people's."""
FULLEST = 0.92
"""Of a doctor's year, the most that is booked."""
_AHEAD_DAYS = 12
_MINUTE = timedelta(minutes=1)
_HOUR = 60
_DAY = 1440


class TooMany(Exception):
    """There is no time for so many appointments; the message says what would do."""


class Workload(NamedTuple):
    doctor: Doctor
    calendar: Document
    chosen: list[tuple[int, int]]
    """The slots that are asked for, as `hours.slots` tells them."""


class Appointments:
    """Lines of the plan, and what reviews are made of."""

    def __init__(self, batch: Batch, doctors: Sequence[Doctor], patients: Sequence[Patient]) -> None:
        if batch.appointments > MOST_PER_PATIENT * sum(patient.active for patient in patients):
            raise TooMany(
                f"{batch.patients} patients have time for {MOST_PER_PATIENT} appointments each: more PATIENTS"
            )
        self._batch = batch
        self._now = int(batch.at.timestamp()) // 60
        self._patients: dict[int, list[Patient]] = {}
        for patient in patients:
            if patient.active:
                self._patients.setdefault(patient.site, []).append(patient)
        self._taken: set[tuple[str, int]] = set()
        self._number = 0
        random = batch.random("hours")
        self.hours = {doctor.id: hours(batch, doctor, random) for doctor in doctors}
        self.work = self._share([doctor for doctor in doctors if doctor.works])

    def _share(self, doctors: Sequence[Doctor]) -> list[Workload]:
        """Give each doctor a share by renown, and within a year the slots that people ask for."""
        random = self._batch.random("load")
        offered, renown = [], []
        for doctor in doctors:
            calendar = self.hours[doctor.id].calendar
            # the plan's day may be another in the doctor's zone, so the last of the horizon is left alone
            offered.append(slots(self._batch, doctor, calendar, min(calendar["horizonDays"] - 3, 60)))
            renown.append(random.lognormvariate(0, 0.4) * len(offered[-1]))
        counts = _shares(self._batch.appointments, renown, [int(FULLEST * self._past(each)) for each in offered])
        return [
            Workload(doctor, self.hours[doctor.id].calendar, sorted(_asked_for(random, each, count, self._batch)))
            for doctor, each, count in zip(doctors, offered, counts, strict=True)
        ]

    def _past(self, offered: Sequence[tuple[int, int]]) -> int:
        return sum(day < 0 for _, day in offered)

    def lines(self) -> Iterator[Document]:
        """Every appointment, doctor by doctor."""
        random, fates, fate = self._batch.random("visitors"), self._batch.random("appointments"), Random()
        for load in self.work:
            near = self._patients.get(load.doctor.site)
            if not near:
                raise TooMany("a place of the group is without patients: more PATIENTS")
            # everybody has some regular patients, begun anywhere in the list and met again
            circle = max(1, min(len(near), len(load.chosen) // 4 + 20))
            begin = random.randrange(len(near))
            for start, day in load.chosen:
                patient = self._patient(random, near, begin, circle, day)
                # one's own for each: what is over by now must not decide what becomes of others
                fate.seed(fates.getrandbits(64))
                yield self._line(fate, load, patient, start)

    def _patient(self, random: Random, near: Sequence[Patient], begin: int, circle: int, day: int) -> Patient:
        """One who has nothing else on that day: it is the place's own, so nothing overlaps."""
        count = len(near)
        tries = (begin + int(circle * random.random() ** 1.3) for _ in range(12))
        everybody = (begin + number for number in range(count))
        for places in (tries, everybody):
            for place in places:
                patient = near[place % count]
                if (patient.id, day) not in self._taken:
                    self._taken.add((patient.id, day))
                    return patient
        raise TooMany(f"the patients of one place are all busy on one day: more PATIENTS than {self._batch.patients}")

    def _line(self, random: Random, load: Workload, patient: Patient, start: int) -> Document:
        end = start + load.calendar["slotMinutes"]
        # both had to be here
        begin = max(load.doctor.opened - 2 * DAY, self._batch.today - 399 * DAY)
        life = Life(random, load.calendar, start, end, self._now, earliest=int(begin.timestamp()) // 60)
        line = {
            "appointmentId": identifier(self._batch, "appointment", self._number, instant(life.booked)),
            "doctorId": load.doctor.id,
            "patientId": patient.id,
            "timezone": load.calendar["timezone"],
            "start": text(instant(start)),
            "end": text(instant(end)),
            "status": life.status,
            "version": len(life.acts),
            "reason": random.choice(load.doctor.specialty.reasons.split("|")) if random.random() < 0.7 else None,
            "acts": life.acts,
        }
        self._number += 1
        return line


class Life:
    """What is done to one appointment, in minutes since 1970: by ``now`` it is as ``status`` says."""

    def __init__(self, random: Random, calendar: Document, start: int, end: int, now: int, *, earliest: int) -> None:
        self._random, self._start, self._end, self._now, self._earliest = random, start, end, now, earliest
        self._leaves_open = calendar["unattendedOutcome"] == "COMPLETED"
        self._notice = calendar["cancellationNoticeMinutes"]
        asks = calendar["requiresConfirmation"]
        self.acts: list[Document] = []
        undecided = asks and start > now + 25 * _HOUR and random.random() < 0.25
        self.booked = self._book(asks, undecided)
        self.status, self._at = "REQUESTED" if asks else "BOOKED", self.booked
        if undecided:
            return
        if asks:
            turned_down = random.random()
            if turned_down < 0.03:
                self._act("decline", "doctor", self._later(20 * _HOUR), "CANCELLED", random.choice(lists.DECLINED))
                return
            if turned_down < 0.045 and self.booked + _DAY < min(start, now):
                self._act("lapse", "system", self.booked + _DAY, "CANCELLED")
                return
            self._act("confirm", "doctor", self._later(20 * _HOUR), "BOOKED")
        if random.random() < 0.05 and self._at < min(start, now) - 10:
            self._move()
        if self._cancelled():
            return
        if end <= now:
            self._visit()

    def _book(self, asks: bool, undecided: bool) -> int:
        random = self._random
        lead = 2 * _HOUR + int(min(random.expovariate(1 / (9 * _DAY)), 38 * _DAY))
        if undecided:
            booked = self._now - random.randint(5, 20 * _HOUR)
        else:
            # who asks had a day for the answer
            before_now = random.randint(26 * _HOUR, 4 * _DAY) if asks else random.randint(3, 600)
            booked = max(self._earliest, min(self._start - lead, self._now - before_now))
        self.acts.append(
            {"action": "book", "at": text(instant(booked)), "by": "patient", "start": text(instant(self._start))}
        )
        return booked

    def _later(self, most: int) -> int:
        """Within ``most`` minutes of what was last, and before the start and now."""
        room = min(self._start, self._now) - self._at - 1
        return self._at + 1 + int(self._random.random() * max(0, min(most, room) - 1))

    def _act(self, action: str, by: str, at: int, status: str, reason: str | None = None, **more: str) -> None:
        act = {"action": action, "by": by, "at": text(instant(at)), **({"reason": reason} if reason else {}), **more}
        self.acts.append(act)
        self.status, self._at = status, at

    def _move(self) -> None:
        """It was booked for a week before or after, and moved to where it is; that it was a slot nobody else had then
        is not looked at, for it is history.
        """
        random = self._random
        was = self._start + random.choice((-1, 1)) * 7 * _DAY
        at = self._later(3 * _DAY)
        if was <= at + _HOUR:
            was = self._start + 7 * _DAY
        self.acts[0]["start"] = text(instant(was))
        by = "patient" if random.random() < 0.8 and self._start - at > self._notice + _HOUR else "doctor"
        start = text(instant(self._start))
        self._act("reschedule", by, at, self.status, random.choice(lists.MOVED), start=start)

    def _cancelled(self) -> bool:
        random, ahead = self._random, self._start > self._now
        # of what is to come less is cancelled by now
        if random.random() >= (0.06 if ahead else 0.12):
            return False
        at = self._later(20 * _DAY)
        in_time = at < self._start - self._notice
        if in_time and random.random() < 0.85:
            self._act("cancel", "patient", at, "CANCELLED", random.choice(lists.CANCELLED_BY_PATIENT))
        elif random.random() < 0.9:
            self._act("cancel", "doctor", at, "CANCELLED", random.choice(lists.CANCELLED_BY_DOCTOR))
        else:
            self._act("cancel", "admin", at, "CANCELLED")
        return True

    def _visit(self) -> None:
        random = self._random
        if random.random() < 0.057:
            at = self._start + random.randint(10, self._end - self._start)
            self._act("no-show", "doctor", min(at, self._now), "NO_SHOW")
            return
        if random.random() < 0.8:
            self._act("check-in", "doctor", max(self._start - random.randint(0, 5), self._at + 1), "CHECKED_IN")
        elif self._leaves_open and self._end + 15 <= self._now:
            self._act("complete", "system", self._end + 15, "COMPLETED")
            return
        self._act("complete", "doctor", min(self._end + random.randint(-3, 10), self._now), "COMPLETED")


def instant(minutes: int) -> datetime:
    return datetime.fromtimestamp(minutes * 60, UTC)


def _shares(total: int, weights: Sequence[float], most: Sequence[int]) -> list[int]:
    """``total`` shared out by weight, nobody getting more than ``most``."""
    if total > sum(most):
        raise TooMany(f"{len(weights)} doctors who work have time for {sum(most):,} appointments: more DOCTORS")
    shares = [0] * len(weights)
    while (left := total - sum(shares)) > 0:
        open_to_more = [index for index, share in enumerate(shares) if share < most[index]]
        weight = sum(weights[index] for index in open_to_more)
        for index in open_to_more:
            more = min(math.ceil(left * weights[index] / weight), most[index] - shares[index], total - sum(shares))
            shares[index] += more
    return shares


def _asked_for(random: Random, offered: Sequence[tuple[int, int]], count: int, batch: Batch) -> list[tuple[int, int]]:
    """``count`` of the slots, the popular ones sooner (weights without replacement, Efraimidis and Spirakis 2006)."""
    month = [(batch.today + timedelta(days=day)).month for day in range(-366, 100)]
    keyed = []
    for start, day in offered:
        weight = SEASON[month[day + 366] - 1]
        if day >= 0:
            weight *= math.exp(-day / _AHEAD_DAYS)
        keyed.append((-math.log(1.0 - random.random()) / weight, start, day))
    keyed.sort()
    return [(start, day) for _, start, day in keyed[:count]]
