"""A doctor's own profile and standing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask.testing import FlaskClient

from devkit.testing import bearer
from doctor_service.app import create_app
from doctor_service.bootstrap import Built

PROFILE = {
    "specialty": "Dermatology",
    "bio": "Skin, hair and nails.",
    "qualifications": ["MD, Ibadan", "FRCP"],
    "languages": ["fr", "de-CH"],
    "experienceYears": 12,
    "fee": {"amount": 49.95, "currency": "EUR"},
    "clinic": {"name": "Clinique du Parc", "address": "1 rue du Parc", "city": "Lyon", "country": "FR"},
    "photoUrl": "https://photos.example/amara.jpg",
}

Make = Callable[..., Any]
Outbox = Callable[[str], list[dict[str, Any]]]


def test_the_first_put_creates_the_profile_and_the_next_replaces_it(person: Make, outbox: Outbox) -> None:
    doctor = person("doctor", "Amara Oyelaran")
    created = doctor.call("PUT", "/doctors/me", PROFILE)
    assert (created.status_code, created.headers["ETag"]) == (201, '"1"')
    data = created.json["data"]
    assert data.items() >= {**PROFILE, "id": doctor.id, "name": "Amara Oyelaran"}.items()
    assert data["moderationStatus"] == "PENDING"
    assert data["visible"]
    assert data["accepting"]
    assert (data["rating"], data["followers"], data["version"]) == ({"average": 0, "count": 0}, 0, 1)

    replaced = doctor.call("PUT", "/doctors/me", {"specialty": "Surgery"})
    assert (replaced.status_code, replaced.headers["ETag"]) == (200, '"2"')
    assert replaced.json["data"]["fee"] is None
    assert replaced.json["data"]["languages"] == []
    assert doctor.get("/doctors/me") == replaced.json["data"]
    told = [(event["data"]["version"], event["data"]["specialty"]) for event in outbox(doctor.id)]
    assert told == [(1, "Dermatology"), (2, "Surgery")]


def test_a_put_that_changes_nothing_makes_no_version_and_no_event(person: Make, outbox: Outbox) -> None:
    doctor = person("doctor")
    doctor.call("PUT", "/doctors/me", PROFILE)
    assert doctor.call("PUT", "/doctors/me", PROFILE).headers["ETag"] == '"1"'
    assert len(outbox(doctor.id)) == 1


def test_racing_first_puts_create_one_profile(built: Built) -> None:
    app = create_app(built)
    headers = bearer("racing-doctor", "doctor")
    barrier = Barrier(8)

    def put(number: int) -> int:
        barrier.wait()
        body = {"specialty": f"Specialty {number}"}
        return app.test_client().put("/api/v1/doctors/me", json=body, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(put, range(8))) == [200] * 7 + [201]
    stored = built.database["doctors"].find_one({"_id": "racing-doctor"})
    assert stored
    # no change was lost: each has its version and its event
    assert stored["version"] == 8
    assert [event["data"]["version"] for event in stored["outbox"]] == list(range(1, 9))


def test_a_patch_changes_what_is_sent(person: Make, outbox: Outbox) -> None:
    doctor = person("doctor")
    doctor.call("PUT", "/doctors/me", PROFILE)
    patched = doctor.call("PATCH", "/doctors/me", {"bio": None, "fee": {"amount": 50, "currency": "CHF"}})
    assert patched.status_code == 200
    assert patched.json["data"].items() >= {**PROFILE, "bio": None, "fee": {"amount": 50, "currency": "CHF"}}.items()
    assert patched.json["data"]["version"] == 2
    # neither bio nor fee is others' business
    assert len(outbox(doctor.id)) == 1


def test_a_clinic_that_moves_is_told_to_others(person: Make, outbox: Outbox) -> None:
    doctor = person("doctor")
    doctor.call("PUT", "/doctors/me", PROFILE)
    clinic = {"name": "Clinique du Lac", "city": "Annecy"}
    doctor.call("PATCH", "/doctors/me", {"clinic": clinic})
    doctor.call("PATCH", "/doctors/me", {"clinic": None})
    assert [event["data"]["clinic"] for event in outbox(doctor.id)] == [
        PROFILE["clinic"],
        {**clinic, "address": None, "country": None},
        None,
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("specialty", ""),
        ("specialty", "two\nlines"),
        ("qualifications.0", [""]),
        ("languages.1", ["en", "not a language"]),
        ("experienceYears", -1),
        ("experienceYears", "5"),
        ("fee.amount", {"amount": 10.999, "currency": "EUR"}),
        ("fee.amount", {"amount": -1, "currency": "EUR"}),
        ("fee.amount", {"amount": "10", "currency": "EUR"}),
        ("fee.currency", {"amount": 10, "currency": "euro"}),
        ("clinic.country", {"name": "A", "country": "France"}),
        ("clinic.fax", {"name": "A", "fax": "1"}),
        ("photoUrl", "http://photos.example/a.jpg"),
        ("photoUrl", "https:///a.jpg"),
        ("photoUrl", "https://user:word@photos.example/a.jpg"),
        ("moderationStatus", "APPROVED"),
        ("rating", {"average": 5, "count": 1}),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_bad_fields_are_named(pending: Make, method: str, field: str, value: Any) -> None:
    body = {"specialty": "Dermatology", field.partition(".")[0]: value}
    answer = pending().call(method, "/doctors/me", body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize("amount", [0, 0.1, 0.29, 19.99, 1.1, 1234567.89, 10_000_000])
def test_a_fee_is_answered_as_it_was_given(pending: Make, amount: float) -> None:
    fee = {"amount": amount, "currency": "EUR"}
    doctor = pending(fee=fee)
    assert doctor.get("/doctors/me")["fee"] == fee


def test_visibility_and_accepting_are_told_to_others(pending: Make, outbox: Outbox) -> None:
    doctor = pending()
    assert doctor.call("PUT", "/doctors/me/visibility", {"visible": False}).json["data"]["visible"] is False
    assert doctor.call("PUT", "/doctors/me/accepting", {"accepting": False}).json["data"]["accepting"] is False
    told = [(event["data"]["visible"], event["data"]["accepting"]) for event in outbox(doctor.id)]
    assert told == [(True, True), (False, True), (False, False)]


WRITES = [
    ("PUT", "/doctors/me", {"specialty": "Surgery"}),
    ("PATCH", "/doctors/me", {"specialty": "Surgery"}),
    ("PUT", "/doctors/me/visibility", {"visible": False}),
    ("PUT", "/doctors/me/accepting", {"accepting": False}),
    ("PUT", "/doctors/me/availability", {"timezone": "UTC", "slotMinutes": 30, "weekly": []}),
    ("PUT", "/doctors/me/availability/overrides/2031-04-09", {"windows": []}),
    ("DELETE", "/doctors/me/availability/overrides/2031-04-09", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_stale_version_is_refused_everywhere(pending: Make, method: str, path: str, body: Any) -> None:
    doctor = pending()
    doctor.call("PATCH", "/doctors/me", {"bio": "New."})
    answer = doctor.call(method, path, body, If_Match='"1"')
    assert (answer.status_code, answer.json["code"]) == (412, "VERSION_MISMATCH")
    assert doctor.get("/doctors/me")["version"] == 2


def test_of_racing_writers_with_one_version_one_passes(built: Built, pending: Make) -> None:
    app, doctor, barrier = create_app(built), pending(), Barrier(8)

    def write(number: int) -> int:
        barrier.wait()
        body = {"experienceYears": number + 1}
        headers = {**doctor.headers, "If-Match": '"1"'}
        return app.test_client().patch("/api/v1/doctors/me", json=body, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(write, range(8))) == [200] + [412] * 7


@pytest.mark.parametrize(("method", "path", "body"), [*WRITES[1:], ("GET", "/doctors/me", None)])
def test_all_but_the_first_put_need_a_profile(person: Make, method: str, path: str, body: Any) -> None:
    answer = person("doctor").call(method, path, body)
    assert (answer.status_code, answer.json["code"]) == (404, "DOCTOR_PROFILE_MISSING")


def test_a_version_of_a_profile_that_is_not_there_matches_nothing(person: Make) -> None:
    assert person("doctor").call("PUT", "/doctors/me", PROFILE, If_Match='"1"').status_code == 412


@pytest.mark.parametrize("role", ["patient", "admin"])
def test_only_doctors_have_a_profile(person: Make, role: str) -> None:
    assert person(role).call("PUT", "/doctors/me", PROFILE).status_code == 403


def test_nobody_has_a_profile_without_a_token(client: FlaskClient) -> None:
    assert client.get("/api/v1/doctors/me").status_code == 401


def test_an_erased_account_makes_no_profile_with_a_token_that_is_still_out(built: Built, person: Make) -> None:
    doctor = person("doctor")
    built.database["tombstones"].insert_one({"_id": doctor.id})
    answer = doctor.call("PUT", "/doctors/me", PROFILE)
    assert (answer.status_code, answer.json["code"]) == (401, "TOKEN_INVALID")


def test_the_newest_twenty_events_are_kept_while_nobody_publishes(pending: Make, outbox: Outbox) -> None:
    doctor = pending()
    for number in range(25):
        doctor.call("PATCH", "/doctors/me", {"specialty": f"Specialty {number}"})
    assert [event["data"]["version"] for event in outbox(doctor.id)] == list(range(7, 27))
