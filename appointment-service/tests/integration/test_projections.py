"""Calendars, accounts and verified addresses, damaged, found and mended, against a stand-in for their sources."""

from typing import Any

import pytest

from appointment_service.projections import projections
from chassis.clock import new_id
from chassis.mongo import Document
from chassis.projections import Projections
from devkit.sources import Source
from devkit.testing import example


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def kept(alone: Any, source: Source) -> Projections:
    return projections(alone.built, source)  # type: ignore[arg-type]


def differs(kept: Projections, name: str) -> list[str]:
    return kept.check([name], pauses=[0])[name]


def doctors(alone: Any, source: Source, count: int = 5) -> list[str]:
    """Doctors whom the source has, as this service heard of them."""
    ids = sorted(alone.doctor(version=3) for _ in range(count))
    for one in ids:
        held = alone.built.database["calendars"].find_one({"_id": one})
        facts = {name: held[name] for name in ("calendar", "name", "specialty", "clinic")}
        source.items[one] = {**example("doctor-updated", doctorId=one, version=3)["data"], **facts}
    return ids


def damage(alone: Any, one: str, **changes: Any) -> None:
    alone.built.database["calendars"].update_one({"_id": one}, {"$set": changes})


def test_what_is_damaged_is_found_and_made_as_the_source_has_it(alone: Any, source: Source, kept: Projections) -> None:
    missing, other, old, new, whole = doctors(alone, source)
    ghost = alone.doctor(version=2)
    calendars = alone.built.database["calendars"]
    before = {document["_id"]: document for document in calendars.find({}, {"outbox": 0})}
    assert differs(kept, "calendars") == [ghost]
    calendars.delete_one({"_id": missing})
    damage(alone, other, visible=False)
    damage(alone, old, version=1, calendar=None)
    damage(alone, new, version=9)
    assert differs(kept, "calendars") == sorted([missing, other, old, new, ghost])
    assert kept.rebuild("calendars") == (5, [])
    assert differs(kept, "calendars") == []
    assert kept.rebuild("calendars") == (0, [])
    told = ("version", "visible", "accepting", "active", "moderationStatus", "calendar", "nextAvailable")
    for one in (missing, other, old, new, whole):
        after = calendars.find_one({"_id": one})
        assert {name: after[name] for name in told if name in before[one]} == {
            name: before[one][name] for name in told if name in before[one]
        }
    assert "calendar" not in calendars.find_one({"_id": ghost})
    assert alone.client.get(f"/api/v1/doctors/{ghost}/slots").status_code == 404


def test_an_event_that_comes_in_meanwhile_is_not_undone(alone: Any, source: Source, kept: Projections) -> None:
    one, *_ = doctors(alone, source, 1)
    damage(alone, one, visible=False)
    source.asked = lambda ids: alone.tell_doctor(one, 4, accepting=False)
    assert kept.rebuild("calendars") == (1, [])
    held = alone.built.database["calendars"].find_one({"_id": one})
    assert (held["version"], held["visible"], held["accepting"]) == (4, True, False)


def test_who_was_erased_is_not_brought_back_and_is_no_drift(alone: Any, source: Source, kept: Projections) -> None:
    """Neither where the erasure is known here and not there yet, nor the other way round."""
    here, there = doctors(alone, source, 2)
    alone.tell("user-deleted", here, 9, role="doctor")
    del source.items[there]
    source.erased.add(there)
    assert differs(kept, "calendars") == []
    assert kept.rebuild("calendars") == (0, [])
    assert alone.built.database["calendars"].find_one({"_id": here})["accountActive"] is False
    assert alone.built.database["calendars"].find_one({"_id": there})["version"] == 3


def test_an_erasure_while_it_is_mended_is_the_end(alone: Any, source: Source, kept: Projections) -> None:
    one, *_ = doctors(alone, source, 1)
    alone.built.database["calendars"].delete_one({"_id": one})
    source.asked = lambda ids: alone.tell("user-deleted", one, 9, role="doctor")
    kept.rebuild("calendars")
    held = alone.built.database["calendars"].find_one({"_id": one})
    assert held["accountActive"] is False
    assert "calendar" not in held


def user(status: str, **more: Any) -> tuple[str, Document]:
    one = new_id()
    return one, {"userId": one, "role": "patient", "version": 4, "status": status, **more}


def accounts_of(alone: Any, *ids: str) -> list[bool]:
    calendars = alone.built.database["calendars"]
    return [(calendars.find_one({"_id": one}) or {"accountActive": True})["accountActive"] for one in ids]


def test_a_closed_account_that_was_missed_is_closed_with_all_that_follows(
    alone: Any, source: Source, kept: Projections, noon: Any
) -> None:
    (deleted, gone), (suspended, kept_out), (back, open_again), (never, untouched) = (
        user(status) for status in ("DELETED", "SUSPENDED", "ACTIVE", "ACTIVE")
    )
    source.items = {item["userId"]: item for item in (gone, kept_out, open_again, untouched)}
    booked = alone.booked(deleted, alone.doctor(), noon)
    alone.tell("user-deactivated", back, 2)
    ghost = new_id()
    alone.tell("user-suspended", ghost, 2)
    assert differs(kept, "accounts") == sorted([deleted, suspended, back, ghost])
    assert kept.rebuild("accounts") == (4, [])
    assert differs(kept, "accounts") == []
    assert accounts_of(alone, deleted, suspended, back, never, ghost) == [False, False, True, True, True]
    assert alone.stored(booked)["status"] == "CANCELLED"


def test_an_account_held_as_of_a_version_to_come_would_hear_nothing_more(
    alone: Any, source: Source, kept: Projections
) -> None:
    one, item = user("SUSPENDED")
    source.items = {one: item}
    alone.tell("user-suspended", one, 99)
    assert differs(kept, "accounts") == [one]
    kept.rebuild("accounts")
    assert differs(kept, "accounts") == []
    assert accounts_of(alone, one) == [False]
    alone.tell("user-reinstated", one, 5)
    assert accounts_of(alone, one) == [True]


def test_a_verification_that_was_missed_and_one_that_never_was(alone: Any, source: Source, kept: Projections) -> None:
    missed, right, never = (new_id() for _ in range(3))
    source.items = {
        one: {"userId": one, "emailVerified": verified}
        for one, verified in ((missed, True), (right, True), (never, False))
    }
    alone.tell_verified(right)
    alone.tell_verified(never)
    assert differs(kept, "verified") == sorted([missed, never])
    assert kept.rebuild("verified") == (2, [])
    assert differs(kept, "verified") == []
    calendars = alone.built.database["calendars"]
    assert "emailVerified" not in calendars.find_one({"_id": never})
    assert calendars.find_one({"_id": missed})["emailVerified"] is True
