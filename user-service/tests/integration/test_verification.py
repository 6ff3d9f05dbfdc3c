"""An address that was verified: seen and announced once, by whatever door the news comes in."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from chassis.clock import new_id
from chassis.errors import AppError
from chassis.identity import Identity
from devkit.testing import assert_valid, bearer
from user_service import events
from user_service.bootstrap import Built

AtOnce = Callable[..., list[Any]]
ME = "/api/v1/users/me"


def stored(built: Built, user_id: str) -> dict[str, Any]:
    user = built.database["users"].find_one({"_id": user_id})
    assert user
    return user


def announced(built: Built, user_id: str) -> list[str]:
    unpublished = stored(built, user_id).get("outbox", [])
    for event in unpublished:
        assert_valid(event)
    return [event["type"] for event in unpublished]


def verified(built: Built, user_id: str) -> None:
    event = events.EmailVerified(user_id=user_id)
    built.database.transact(lambda session: built.service.profiles.email_verified(event, session))


def registered(built: Built, who: Identity) -> None:
    event = events.UserRegistered(
        user_id=who.user_id, email=who.email, name=who.name, role="patient", registered_at=who.issued_at
    )
    built.database.transact(lambda session: built.service.profiles.registered(event, session))


def test_a_verified_address_is_seen_and_announced_once(client: FlaskClient, built: Built, user_id: str) -> None:
    client.get(ME, headers=bearer(user_id))
    verified(built, user_id)
    verified(built, user_id)
    data = client.get(ME, headers=bearer(user_id)).json["data"]
    assert (data["emailVerified"], data["version"]) == (True, 2)
    assert announced(built, user_id) == ["user-updated"]


def test_a_verification_that_comes_before_its_user_is_not_lost(built: Built, who: Identity) -> None:
    verified(built, who.user_id)
    registered(built, who)
    user = stored(built, who.user_id)
    assert (user["emailVerified"], user["version"]) == (True, 1)
    assert built.database["verifications"].find_one({"_id": who.user_id}) is None


def test_a_token_that_knows_of_the_verification_is_believed_and_an_older_one_takes_nothing_back(
    built: Built, who: Identity
) -> None:
    built.service.profiles.own(who)
    newer = replace(who, email_verified=True)
    assert built.service.profiles.own(newer)["emailVerified"]
    assert built.service.profiles.own(who)["emailVerified"]
    verified(built, who.user_id)
    assert announced(built, who.user_id) == ["user-updated"]
    made_by_it = replace(newer, user_id=new_id(), email="new@clinic.example")
    assert built.service.profiles.own(made_by_it)["version"] == 1
    assert stored(built, made_by_it.user_id)["emailVerified"]


@pytest.mark.parametrize("_", range(5))
def test_a_verification_that_races_the_sign_up_is_not_lost(
    built: Built, who: Identity, at_once: AtOnce, _: int
) -> None:
    at_once(lambda: verified(built, who.user_id), lambda: built.service.profiles.own(who))
    assert stored(built, who.user_id)["emailVerified"]


def test_a_verification_that_races_a_change_keeps_both(built: Built, who: Identity, at_once: AtOnce) -> None:
    built.service.profiles.own(who)
    at_once(
        lambda: verified(built, who.user_id),
        *[lambda n=n: built.service.profiles.update(who, {"name": f"Ann {n}"}, None) for n in range(4)],
    )
    user = stored(built, who.user_id)
    assert (user["emailVerified"], user["version"]) == (True, 6)


def test_a_verification_of_an_erased_user_leaves_nothing(built: Built, user_id: str) -> None:
    built.database["tombstones"].insert_one({"_id": user_id})
    verified(built, user_id)
    with suppress(AppError):
        built.service.profiles.get(user_id)
    assert built.database["verifications"].find_one({"_id": user_id}) is None
