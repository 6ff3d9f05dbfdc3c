"""What stands in the doctors' documents of others' announcements, damaged, found and mended."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo.client_session import ClientSession

from chassis.clock import new_id
from chassis.mongo import Document
from chassis.projections import Projections
from devkit.sources import Source
from devkit.testing import environment
from doctor_service import events
from doctor_service.bootstrap import Built, build
from doctor_service.config import Config
from doctor_service.projections import projections

START = "2031-04-02T09:00:00.000Z"


@pytest.fixture
def fresh(fresh_mongodb_uri: str, amqp_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Built]:
    for name, value in environment(fresh_mongodb_uri, amqp_url).items():
        monkeypatch.setenv(name, value)
    made = build(Config.read())
    yield made
    made.database.close()


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def kept(fresh: Built, source: Source) -> Projections:
    return projections(fresh, source)  # type: ignore[arg-type]


def made(fresh: Built, count: int) -> list[str]:
    """Doctors with a profile each."""
    profile = {"specialty": "Dermatology", "bio": None, "qualifications": [], "languages": ["fr"], "fee": None}
    profile |= {"experienceYears": 3, "clinic": None, "photoUrl": None}
    ids = sorted(new_id() for _ in range(count))
    for one in ids:
        fresh.doctors.put_profile(one, "Amara Oyelaran", profile, None)
    return ids


def user(one: str, **more: Any) -> Document:
    told = {"userId": one, "name": "Amara Oyelaran", "role": "doctor", "locale": None, "timezone": None, "version": 5}
    return {**told, "status": "ACTIVE", "scheduledDeletionAt": None, **more}


def rating(one: str) -> Document:
    return {"doctorId": one, "doctorRating": {"average": 4.5, "count": 2, "version": 2}}


def free(one: str, start: str | None = START) -> Document:
    slot = {"start": start, "end": start} if start else None
    return {"doctorId": one, "version": 2, "nextAvailable": slot}


def differs(kept: Projections, name: str) -> list[str]:
    return kept.check([name], pauses=[0])[name]


SLOT = datetime(2031, 4, 2, 9, tzinfo=UTC)
RATED = {"average": 4.5, "count": 2, "version": 2}
DAMAGES: dict[str, list[Document]] = {
    "names": [{"name": "Nobody", "nameVersion": 5}, {"name": "Before", "nameVersion": 2}, {"nameVersion": 99}],
    "standing": [{"active": False, "statusVersion": 5}, {"active": False, "statusVersion": 2}, {"statusVersion": 99}],
    "ratings": [
        {"rating": {**RATED, "count": 3}},
        {"rating": {"average": 1.0, "count": 1, "version": 1}},
        {"rating": {**RATED, "version": 99}},
    ],
    "next-available": [
        {"nextAvailable": {"start": None, "version": 2}},
        {"nextAvailable": {"start": SLOT.replace(day=1), "version": 1}},
        {"nextAvailable": {"start": SLOT, "version": 99}},
    ],
}
TOLD = {"names": user, "standing": user, "ratings": rating, "next-available": free}
RIGHT: dict[str, Document] = {
    "names": {"name": "Amara Oyelaran", "nameVersion": 5},
    "standing": {"active": True, "statusVersion": 5},
    "ratings": {"rating": RATED},
    "next-available": {"nextAvailable": {"start": SLOT, "version": 2}},
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_damaged_is_found_and_made_as_the_source_has_it(
    fresh: Built, source: Source, kept: Projections, name: str
) -> None:
    doctors = fresh.database["doctors"]
    *damaged, right, elsewhere = made(fresh, 5)
    # also of somebody who is no doctor here
    source.items = {one: TOLD[name](one) for one in (*damaged, right, new_id())}
    for one in (*damaged, right):
        doctors.update_one({"_id": one}, {"$set": RIGHT[name]})
    assert differs(kept, name) == []
    for one, damage in zip(damaged, DAMAGES[name], strict=True):
        doctors.update_one({"_id": one}, {"$set": damage})
    untouched = doctors.find_one({"_id": elsewhere})
    assert differs(kept, name) == damaged
    assert kept.rebuild(name) == (3, [])
    assert differs(kept, name) == []
    for one in (*damaged, right):
        held = doctors.find_one({"_id": one})
        assert held.items() >= RIGHT[name].items()
    assert doctors.find_one({"_id": elsewhere}) == untouched


@pytest.mark.parametrize("name", ["ratings", "next-available"])
def test_a_figure_that_its_source_never_told_goes(fresh: Built, source: Source, kept: Projections, name: str) -> None:
    one, none = made(fresh, 2)
    doctors = fresh.database["doctors"]
    doctors.update_one({"_id": one}, {"$set": RIGHT[name]})
    assert differs(kept, name) == [one]
    assert kept.rebuild(name) == (1, [])
    assert differs(kept, name) == []
    fields = ("rating", "nextAvailable")
    ghost, blank = (doctors.find_one({"_id": each}) for each in (one, none))
    assert {field: ghost[field] for field in fields} == {field: blank[field] for field in fields}
    # and is found by the search as one who has none
    assert [key for key in ghost["search"]["keys"] if "rating" in key] == [
        key for key in blank["search"]["keys"] if "rating" in key
    ]


def test_a_name_that_was_announced_before_the_profile_was_made_is_found(
    fresh: Built, source: Source, kept: Projections
) -> None:
    """A token tells the name that was, and the news came while there was nothing to apply it to."""
    one, *_ = made(fresh, 1)
    source.items = {one: user(one, name="Amara Bello")}
    kept.rebuild("names")
    doctor = fresh.database["doctors"].find_one({"_id": one})
    assert doctor["name"] == "Amara Bello"
    assert doctor["outbox"][-1]["data"]["name"] == "Amara Bello"


def test_a_rating_that_comes_in_meanwhile_is_not_undone(fresh: Built, source: Source, kept: Projections) -> None:
    one, *_ = made(fresh, 1)
    source.items = {one: rating(one)}
    newer = {"doctorId": one, "doctorRating": {"average": 4.0, "count": 3, "version": 3}}

    def rated(session: ClientSession) -> None:
        fresh.cards.doctor_rated(events.DoctorRated.model_validate(newer), session)

    source.asked = lambda _: fresh.database.transact(rated)
    kept.rebuild("ratings")
    assert fresh.database["doctors"].find_one({"_id": one})["rating"] == newer["doctorRating"]
