"""What each service keeps of the others, damaged in a running suite, is found and made again by a command."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymongo
import pytest

from devkit.suite import Instance
from tests.client import Gateway, Person, eventually
from tests.clinic import book, bookable_doctor, slots

SERVICES = ("auth", "user", "doctor", "appointment", "review", "scheduler")


@pytest.fixture
def mongo(suite: Instance) -> Iterator[pymongo.MongoClient[dict[str, Any]]]:
    with pymongo.MongoClient[dict[str, Any]](suite.mongodb_uri) as client:
        yield client


def command(suite: Instance, action: str) -> tuple[set[int], dict[str, set[str]]]:
    """Every service's command at once: the exit statuses, and the ids that alarms name of each projection."""

    def run(service: str) -> tuple[int, dict[str, set[str]]]:
        done = suite.run_in(f"{service}-consumer", f"{service}_service.projections", action, capture=True)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        logged = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        alarms = [line for line in logged if line.get("alarm") == "ProjectionDrift"]
        return done.returncode, {f"{service} {alarm['projection']}": set(alarm["ids"]) for alarm in alarms}

    with ThreadPoolExecutor() as pool:
        results = list(pool.map(run, SERVICES))
    return {status for status, _ in results}, {name: ids for _, found in results for name, ids in found.items()}


def _at(document: dict[str, Any], path: str) -> Any:
    for name in path.split("."):
        document = document.get(name, {})
    return document


def test_every_copy_that_is_damaged_is_found_and_made_again(
    suite: Instance, gateway: Gateway, admin: Person, mongo: pymongo.MongoClient[dict[str, Any]]
) -> None:
    doctor = bookable_doctor(gateway, admin)
    # a damaged profile may be announced anew, as doctor-service mends what search goes by, and its calendar with it
    colleague = bookable_doctor(gateway, admin)
    patient, other, newcomer = (gateway.sign_up(name) for name in ("Ann Lee", "Bo Day", "Cy Fox"))
    start = [slot["start"] for slot in slots(gateway, doctor)]
    seen = book(patient, doctor, start[3]).expect(201).data["id"]
    doctor.post(f"/appointments/{seen}/complete").expect(200)
    patient_reviews = f"/appointments/{seen}/review"
    eventually("the review", lambda: patient.post(patient_reviews, {"rating": 4, "comment": "Kind."}).expect(201))
    # far enough ahead for a reminder that is not due yet
    ahead = book(patient, doctor, start[-1]).expect(201).data["id"]

    # what holds of each, and what it is damaged to: {projection: (service, collection, id, change)}
    wrong: dict[str, tuple[str, str, str, dict[str, Any] | None]] = {
        "auth names": ("auth", "credentials", other.id, {"name": "Nobody"}),
        "auth standing": ("auth", "credentials", other.id, {"status": "SUSPENDED"}),
        "user registrations": ("user", "users", newcomer.id, None),
        "user verified": ("user", "users", patient.id, {"emailVerified": True}),
        "user relations": ("user", "relations", ahead, {"cancelled": True}),
        "doctor names": ("doctor", "doctors", doctor.id, {"name": "Nobody"}),
        "doctor standing": ("doctor", "doctors", doctor.id, {"active": False}),
        "doctor ratings": ("doctor", "doctors", doctor.id, {"rating.average": 1.0}),
        "doctor next-available": ("doctor", "doctors", doctor.id, {"nextAvailable.version": 99}),
        "appointment calendars": ("appointment", "calendars", colleague.id, {"visible": False}),
        "appointment accounts": ("appointment", "calendars", doctor.id, {"accountActive": False, "accountVersion": 1}),
        "appointment verified": ("appointment", "calendars", doctor.id, {"emailVerified": True}),
        "review visits": ("review", "visits", seen, None),
        "review doctors": ("review", "doctors", doctor.id, {"version": 99}),
        "scheduler reminders": ("scheduler", "heard", ahead, {"version": 99}),
    }

    def settled() -> bool:
        kept = {
            name: mongo[f"{svc}-service"][place].find_one({"_id": one}) for name, (svc, place, one, _) in wrong.items()
        }
        # whom a mail goes to is looked up, and a user who is missing made by that
        mailed = mongo["scheduler-service"]["mails"].count_documents({"userId": newcomer.id, "status": "SENT"}) == 2
        return (
            mailed
            and all(kept.values())
            and kept["doctor ratings"]["rating"]["count"] == 1
            and kept["doctor next-available"]
        )

    eventually("every copy", settled)
    before = gateway.call("GET", f"/doctors/{doctor.id}").expect(200).data
    for service, place, one, damage in wrong.values():
        collection = mongo[f"{service}-service"][place]
        if damage is None:
            collection.delete_one({"_id": one})
        else:
            collection.update_one({"_id": one}, {"$set": damage})

    statuses, found = command(suite, "check")
    assert {name for name, (_, _, one, _) in wrong.items() if one not in found.get(name, ())} == set()
    assert statuses == {1}
    assert command(suite, "rebuild")[0] == {0}
    # each service's own tests check after a rebuild
    for name, (service, place, one, damage) in wrong.items():
        made = mongo[f"{service}-service"][place].find_one({"_id": one})
        assert made, name
        assert not damage or any(_at(made, field) != value for field, value in damage.items()), name

    def shown() -> bool:
        return bool(gateway.call("GET", f"/doctors/{doctor.id}").expect(200).data == before)

    # the next free slot was told anew when the calendar was as before, which takes effect like any news
    eventually("the doctor as before", shown)
    other.log_in().expect(200)
    book(other, doctor, start[7]).expect(201)
