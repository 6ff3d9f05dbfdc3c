"""Names and standing of the accounts, damaged, found and mended, against a stand-in for user-service."""

from datetime import UTC, datetime
from typing import Any

import pytest

from auth_service.bootstrap import Built
from auth_service.projections import projections
from chassis.clock import new_id
from chassis.mongo import Document
from chassis.projections import Projections
from devkit.sources import Source

UNTIL = datetime(2031, 1, 2, tzinfo=UTC)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def kept(built: Built, source: Source) -> Projections:
    return projections(built, source)  # type: ignore[arg-type]


def user(one: str, **more: Any) -> Document:
    told = {"userId": one, "name": "Ann Lee", "role": "patient", "locale": None, "timezone": None, "version": 5}
    return {**told, "status": "ACTIVE", "scheduledDeletionAt": None, **more}


def differs(kept: Projections, name: str) -> list[str]:
    return kept.check([name], pauses=[0])[name]


def signed_up(people: Any, source: Source, count: int) -> list[Any]:
    """Accounts as signing up leaves them, of whom user-service has a later version."""
    accounts = sorted((people.sign_up() for _ in range(count)), key=lambda account: account["user"]["id"])
    source.items = {one: user(one) for one in (*(account["user"]["id"] for account in accounts), new_id())}
    return accounts


def test_a_name_that_is_wrong_is_mended_and_nobody_is_logged_out(
    people: Any, built: Built, source: Source, kept: Projections
) -> None:
    accounts = signed_up(people, source, 4)
    credentials = built.database["credentials"]
    *damaged, right = (account["user"]["id"] for account in accounts)
    assert differs(kept, "names") == []
    damages = ({"name": "Nobody", "nameVersion": 5}, {"name": "Before", "nameVersion": 2}, {"nameVersion": 99})
    for one, damage in zip(damaged, damages, strict=True):
        credentials.update_one({"_id": one}, {"$set": damage})
    assert differs(kept, "names") == damaged
    assert kept.rebuild("names") == (3, [])
    assert differs(kept, "names") == []
    for one in damaged:
        assert credentials.find_one({"_id": one}).items() >= {"name": "Ann Lee", "nameVersion": 5}.items()
    assert credentials.find_one({"_id": right})["nameVersion"] == 0
    assert all(people.refresh(account).status_code == 200 for account in accounts)


def test_who_may_sign_in_is_made_as_user_service_has_it(
    people: Any, built: Built, source: Source, kept: Projections
) -> None:
    deleted, suspended, open_again, *_ = accounts = signed_up(people, source, 5)
    ids = [account["user"]["id"] for account in accounts]
    ends = {"status": "DELETED", "scheduledDeletionAt": "2031-01-02T00:00:00.000Z"}
    source.items |= {ids[0]: user(ids[0], **ends), ids[3]: user(ids[3], **ends)}
    source.items[ids[1]] = user(ids[1], status="SUSPENDED")
    credentials = built.database["credentials"]
    damages = (
        {},
        {"status": "ACTIVE", "statusVersion": 5},
        {"status": "SUSPENDED", "statusVersion": 2},
        {"status": "DELETED", "statusVersion": 4, "recoverableUntil": UNTIL.replace(year=2039)},
        {"statusVersion": 99},
    )
    for one, damage in zip(ids, damages, strict=True):
        credentials.update_one({"_id": one}, {"$set": {"outbox": [], **damage}})
    assert differs(kept, "standing") == ids
    assert kept.rebuild("standing") == (5, [])
    assert differs(kept, "standing") == []
    held = [credentials.find_one({"_id": one}) for one in ids]
    assert [one["status"] for one in held] == ["DELETED", "SUSPENDED", "ACTIVE", "DELETED", "ACTIVE"]
    assert [one["recoverableUntil"] for one in held] == [UNTIL, None, None, UNTIL, None]
    assert {one["statusVersion"] for one in held} == {5}
    # what follows from the event follows from this
    assert people.refresh(deleted).status_code == people.refresh(suspended).status_code == 401
    assert people.try_log_in(open_again["user"]["email"]).status_code == 200


def test_who_was_erased_here_and_whom_user_service_does_not_know_yet_are_no_drift(
    people: Any, built: Built, source: Source, kept: Projections
) -> None:
    newcomer, gone = people.sign_up()["user"]["id"], people.sign_up()["user"]["id"]
    source.items = {gone: user(gone, name="Another")}
    built.database["credentials"].delete_one({"_id": gone})
    assert kept.check(["names", "standing"], pauses=[0]) == {"names": [], "standing": []}
    assert kept.rebuild("names") == kept.rebuild("standing") == (0, [])
    assert built.database["credentials"].find_one({"_id": gone}) is None
    assert built.database["credentials"].find_one({"_id": newcomer})
