"""One's own profile: there at once, changed by whoever holds its version."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.clock import new_id, now
from chassis.errors import VersionMismatch
from chassis.identity import Identity
from chassis.tombstones import Tombstones
from devkit.testing import assert_valid, bearer
from user_service import events
from user_service.bootstrap import Built

ME = "/api/v1/users/me"


def patch(client: FlaskClient, user_id: str, if_match: str | None = None, **fields: Any) -> TestResponse:
    headers = bearer(user_id) | ({"If-Match": if_match} if if_match else {})
    return client.patch(ME, json=fields, headers=headers)


def stored(built: Built, user_id: str) -> dict[str, Any]:
    user = built.database["users"].find_one({"_id": user_id})
    assert user
    return user


def registered(built: Built, user_id: str, at: datetime) -> None:
    event = events.UserRegistered(
        user_id=user_id, email=f"{user_id}@clinic.example", name="Pat Doe", role="patient", registered_at=at
    )
    built.database.transact(lambda session: built.service.profiles.registered(event, session))


def test_the_profile_is_there_with_the_first_request(client: FlaskClient, user_id: str) -> None:
    answer = client.get(ME, headers=bearer(user_id, role="doctor", name="Ann Lee"))
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"1"'
    data = answer.json["data"]
    assert (data["id"], data["name"], data["role"], data["status"]) == (user_id, "Ann Lee", "doctor", "ACTIVE")
    assert (data["emailVerified"], data["phone"], data["version"]) == (False, None, 1)


def test_the_events_profile_and_the_requests_are_one_whichever_comes_first(client: FlaskClient, built: Built) -> None:
    event_first, request_first = new_id(), new_id()
    at = datetime(2026, 3, 1, tzinfo=UTC)
    registered(built, event_first, at)
    client.get(ME, headers=bearer(event_first))
    client.get(ME, headers=bearer(request_first))
    registered(built, request_first, at)
    for user_id in (event_first, request_first):
        assert (stored(built, user_id)["createdAt"], stored(built, user_id)["version"]) == (at, 1)


def test_both_doors_at_once_make_one_user(client: FlaskClient, built: Built, user_id: str) -> None:
    barrier = Barrier(16)

    def enter(number: int) -> int:
        barrier.wait()
        if number % 2:
            registered(built, user_id, now())
            return 200
        return client.application.test_client().get(ME, headers=bearer(user_id)).status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(enter, range(16))) == {200}
    assert built.database["users"].count_documents({"email": f"{user_id}@clinic.example"}) == 1


def test_a_late_event_does_not_undo_a_change(client: FlaskClient, built: Built, user_id: str) -> None:
    patch(client, user_id, name="Ann Lee")
    registered(built, user_id, now())
    assert client.get(ME, headers=bearer(user_id)).json["data"]["name"] == "Ann Lee"


def test_an_erased_user_comes_back_by_neither_door(client: FlaskClient, built: Built, user_id: str) -> None:
    gone = events.user_deleted({"_id": user_id, "role": "patient", "version": 1})
    built.database.transact(lambda session: Tombstones(built.database).bury(user_id, gone, session))
    registered(built, user_id, now())
    answer = client.get(ME, headers=bearer(user_id))
    assert (answer.status_code, answer.json["code"]) == (401, "TOKEN_INVALID")
    assert built.database["users"].find_one({"_id": user_id}) is None


def test_a_change_is_stored_and_announced(client: FlaskClient, built: Built, user_id: str) -> None:
    fields = {
        "name": "Inès Moreau",
        "phone": "+41445550123",
        "avatarUrl": "https://pictures.example/ines.png",
        "locale": "fr-CH",
        "timezone": "Europe/Zurich",
    }
    answer = patch(client, user_id, **fields)
    assert answer.status_code == 200
    assert (answer.json["data"] | fields, answer.headers["ETag"]) == (answer.json["data"], '"2"')
    assert client.get(ME, headers=bearer(user_id)).json["data"] == answer.json["data"]
    (event,) = stored(built, user_id)["outbox"]
    assert_valid(event)
    told = (event["type"], event["data"]["name"], event["data"]["timezone"], event["data"]["version"])
    assert told == ("user-updated", "Inès Moreau", "Europe/Zurich", 2)


@pytest.mark.parametrize("fields", [{}, {"name": "Pat Doe", "phone": None}])
def test_what_changes_nothing_is_no_new_version(
    client: FlaskClient, built: Built, user_id: str, fields: dict[str, Any]
) -> None:
    assert patch(client, user_id, **fields).headers["ETag"] == '"1"'
    assert "outbox" not in stored(built, user_id)


def test_null_clears_a_field_and_absence_leaves_it(client: FlaskClient, user_id: str) -> None:
    patch(client, user_id, phone="+41445550123", locale="fr")
    data = patch(client, user_id, phone=None).json["data"]
    assert (data["phone"], data["locale"]) == (None, "fr")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", None),
        ("name", " "),
        ("name", "A\u0000B"),
        ("phone", "044 555 01 23"),
        ("phone", "+0441234567"),
        ("phone", "+٤١٤٤٥٥٥٠١٢٣"),
        ("avatarUrl", "http://pictures.example/a.png"),
        ("avatarUrl", "https://"),
        ("avatarUrl", "https://me:secret@pictures.example/a.png"),
        ("avatarUrl", "https://pictures.example/a b"),
        ("avatarUrl", "https://pictures.example/" + "a" * 500),
        ("avatarUrl", "javascript:alert(1)"),
        ("locale", "fr_CH"),
        ("timezone", "Europe/Atlantis"),
        ("timezone", 1),
        ("role", "admin"),
        ("status", "ACTIVE"),
        ("email", "other@clinic.example"),
        ("version", 7),
    ],
)
def test_bad_fields_are_named(client: FlaskClient, user_id: str, field: str, value: Any) -> None:
    answer = patch(client, user_id, **{field: value})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_a_stale_version_is_refused(client: FlaskClient, user_id: str) -> None:
    assert patch(client, user_id, if_match='"1"', name="Ann Lee").status_code == 200
    for stale in ('"1"', '"never given"'):
        answer = patch(client, user_id, if_match=stale, name="Bea Lee")
        assert (answer.status_code, answer.json["code"]) == (412, "VERSION_MISMATCH")


def raced(built: Built, who: Identity, expected: int | None) -> list[bool]:
    """Eight changes at once; whether each passed."""
    built.service.profiles.own(who)
    barrier = Barrier(8)

    def enter(number: int) -> bool:
        barrier.wait()
        with suppress(VersionMismatch):
            built.service.profiles.update(who, {"name": f"Ann {number}"}, expected)
            return True
        return False

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(enter, range(8)))


@pytest.mark.parametrize("_", range(5))
def test_of_racing_changes_to_one_version_one_passes(built: Built, who: Identity, _: int) -> None:
    assert sum(raced(built, who, 1)) == 1
    assert stored(built, who.user_id)["version"] == 2


@pytest.mark.parametrize("_", range(5))
def test_racing_changes_without_a_version_all_pass_one_after_the_other(built: Built, who: Identity, _: int) -> None:
    assert sum(raced(built, who, None)) == 8
    user = stored(built, who.user_id)
    assert [event["data"]["version"] for event in user["outbox"]] == list(range(2, 10))
    assert (user["outbox"][-1]["data"]["name"], user["version"]) == (user["name"], 9)


def test_without_a_token_there_is_no_profile(client: FlaskClient) -> None:
    for answer in (client.get(ME), client.patch(ME, json={}), client.delete(ME, json={"reason": "OTHER"})):
        assert (answer.status_code, answer.json["code"]) == (401, "TOKEN_MISSING")
