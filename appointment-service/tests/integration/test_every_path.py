"""Every path by which time is held, in one race; what is left is gone over by a checker that knows only documents."""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Barrier
from typing import Any

from chassis.clock import new_id
from devkit.testing import assert_valid, bearer

CLIENTS, STEPS = 8, 35
Answer = tuple[str, int, Any]
LENGTHS = [15, 20, 30, 45, 60, 90]
REFUSALS = {
    "SLOT_TAKEN",
    "PATIENT_BUSY",
    "SLOT_UNAVAILABLE",
    "INVALID_TRANSITION",
    "VERSION_MISMATCH",
    "CONFLICT",
    "NO_OFFER",
}
STEPS_ALLOWED = {
    None: {"book": "BOOKED", "request": "REQUESTED", "accept": "BOOKED"},
    "REQUESTED": {"confirm": "BOOKED", "reschedule": "REQUESTED", "cancel": "CANCELLED", "decline": "CANCELLED"},
    "BOOKED": {"reschedule": "BOOKED", "cancel": "CANCELLED", "check-in": "CHECKED_IN"},
    "CHECKED_IN": {"cancel": "CANCELLED"},
}
EVENTS = {
    "book": "booked",
    "request": "requested",
    "accept": "booked",
    "confirm": "booked",
    "reschedule": "rescheduled",
    "check-in": "checked-in",
    "cancel": "cancelled",
    "decline": "cancelled",
}
WISHES = ["book"] * 4 + ["reschedule"] * 3 + ["confirm"] * 2 + ["cancel", "decline", "check-in", "accept"]
HOLDING = {"REQUESTED", "BOOKED", "CHECKED_IN", "HELD"}


def faults(documents: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What is wrong with the appointments and holds, by nothing but what they say themselves."""
    for side in ("doctorId", "patientId"):
        active = sorted((d for d in documents if d["status"] in HOLDING), key=lambda d: (d[side], d["start"]))
        for one, other in pairwise(active):
            if one[side] == other[side] and other["start"] < one["end"]:
                yield f"{one['_id']} and {other['_id']} overlap for {side}"
    for found in documents:
        minutes = range(int(found["start"].timestamp()) // 60, int(found["end"].timestamp()) // 60, 5)
        expected = [
            f"{mark}:{found[side]}:{m // 5}" for mark, side in (("d", "doctorId"), ("p", "patientId")) for m in minutes
        ]
        if found.get("claims", []) != (expected if found["status"] in HOLDING else []):
            yield f"{found['_id']} {found['status']} claims something else than its time"
        if found["status"] != "HELD":
            yield from _told_wrongly(found)


def _told_wrongly(found: dict[str, Any]) -> Iterator[str]:
    status, start = None, None
    for entry in found["history"]:
        status, start = STEPS_ALLOWED.get(status, {}).get(entry["action"]), entry.get("start", start)
        if status is None or status != entry["status"]:
            yield f"{found['_id']} became {entry['status']} by {entry['action']}"
    if (status, start, len(found["history"])) != (found["status"], found["start"], found["version"]):
        yield f"{found['_id']} is not what its history says"
    announced = [(event["type"], event["data"]["version"]) for event in found["outbox"]]
    steps = [(f"appointment-{EVENTS[entry['action']]}", n) for n, entry in enumerate(found["history"], 1)]
    if announced != steps:
        yield f"{found['_id']} is announced as {announced}"


class Race:
    """Three doctors, two of whom decide first and all of whom change their slots, and patients who also wait."""

    def __init__(self, clinic: Any, noon: datetime) -> None:
        self.clinic, self.noon = clinic, noon
        self.doctors = [clinic.doctor(slotMinutes=45, requiresConfirmation=number > 0) for number in range(3)]
        self.patients = [new_id() for _ in range(10)]
        self.made: list[dict[str, Any]] = []
        self.places: list[dict[str, Any]] = []
        for patient in self.patients[:4]:
            dates = {"from": noon.date().isoformat(), "to": noon.date().isoformat()}
            path = f"/api/v1/doctors/{self.doctors[0]}/waitlist"
            self.places.append(clinic.client.post(path, json=dates, headers=bearer(patient)).json["data"])

    def run(self) -> tuple[list[Answer], list[dict[str, Any]]]:
        """What the clients were answered, and all that is in the database of these doctors."""
        barrier = Barrier(CLIENTS + 1)
        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            change = pool.submit(self._change, barrier)
            said = list(pool.map(lambda number: self._ask(number, barrier), range(CLIENTS)))
            change.result()
        found = self.clinic.built.database["appointments"].find({"doctorId": {"$in": self.doctors}})
        return [answer for answers in said for answer in answers], list(found)

    def _ask(self, number: int, barrier: Barrier) -> list[Answer]:
        dice, web, said = random.Random(number), self.clinic.client.application.test_client(), []
        barrier.wait()
        for _ in range(STEPS):
            action, path, who, body = self._wish(dice)
            if action in ("book", "reschedule", "accept") and dice.random() < 0.3:
                who = who | {"Idempotency-Key": new_id()}
            answer = web.post(f"/api/v1{path}", json=body, headers=who)
            said.append((action, answer.status_code, answer.json.get("code")))
            if answer.status_code < 300 and action in ("book", "accept"):
                self.made.append(answer.json["data"])
        return said

    def _wish(self, dice: random.Random) -> tuple[str, str, dict[str, str], Any]:
        """(action, path, who, body) of what somebody wants next."""
        start = (self.noon + timedelta(minutes=15 * dice.randrange(24))).isoformat()
        action = dice.choice(WISHES)
        if action == "accept":
            place = dice.choice(self.places)
            return action, f"/waitlist/{place['id']}/accept", bearer(place["patientId"]), None
        if action == "book" or not self.made:
            body = {"doctorId": dice.choice(self.doctors), "start": start}
            return "book", "/appointments", bearer(dice.choice(self.patients)), body
        target = dice.choice(self.made)
        who = [bearer(target["doctorId"], "doctor")]
        if action in ("reschedule", "cancel"):
            who.append(bearer(target["patientId"]))
        move = {"start": start} if action == "reschedule" else None
        return action, f"/appointments/{target['id']}/{action}", dice.choice(who), move

    def _change(self, barrier: Barrier) -> None:
        dice = random.Random(99)
        barrier.wait()
        for version in range(2, 20):
            number = dice.randrange(3)
            terms = {"slotMinutes": dice.choice(LENGTHS), "requiresConfirmation": number > 0}
            self.clinic.doctor(self.doctors[number], version=version, **terms)


def test_nobody_is_double_booked_through_any_path_and_every_change_is_told_once(alone: Any, noon: datetime) -> None:
    race = Race(alone, noon)
    answers, found = race.run()
    assert {code for _, _, code in answers if code} <= REFUSALS
    assert {"book", "reschedule", "cancel", "confirm"} <= {action for action, status, _ in answers if status < 300}
    assert {item["id"] for item in race.made} <= {item["_id"] for item in found}, "whatever was acknowledged is there"
    assert list(faults(found)) == []
    for item in found:
        for event in item["outbox"]:
            assert_valid(event)


def test_without_the_claims_index_the_checker_finds_overlaps(alone: Any, noon: datetime) -> None:
    alone.built.database["appointments"].drop_index("claims_unique")
    _, found = Race(alone, noon).run()
    assert any("overlap" in fault for fault in faults(found))
