"""With thousands of doctors and follows every question is answered from an index, in order, without much looking."""

import random
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from pymongo import WriteConcern

from chassis.clock import new_id
from chassis.mongo import Database
from devkit.profiling import Profile, Visits, assert_indexed, profiled
from devkit.pytest_plugin import with_database
from devkit.testing import bearer, example
from doctor_service import events, store
from doctor_service.app import create_app
from doctor_service.bootstrap import Built, build
from doctor_service.config import Config
from doctor_service.domain import derived
from doctor_service.schemas.profiles import ProfileBody

DOCTORS, UNLISTED, FOLLOWERS = 5_000, 500, 200
SPECIALTIES = ("Cardiology", "Dermatology", "Paediatrics", "Gastroenterology", *(f"Field {n}" for n in range(20)))
CITIES = ("Hamburg", "Lyon", "São Paulo", *(f"Town {n}" for n in range(30)))
WEEK = {"timezone": "UTC", "slotMinutes": 30, "weekly": [{"weekday": "MON", "from": "09:00", "to": "12:00"}]}

SEARCHES: dict[str, int] = {
    "": 21,
    "q=cardio": 21,
    "q=gastroenterology": 21,
    "specialty=Cardiology": 21,
    "city=hamburg": 21,
    "language=de": 21,
    "accepting=true": 21,
    "accepting=false": 21,
    "minRating=4.5": 21,
    # what is between two half stars is looked at and left
    "minRating=4.9": 200,
    "specialty=cardiology&city=hamburg": 21,
    # as many as have the rarest of what is asked for
    "q=oriole": 21,
    "q=oriole&accepting=true&minRating=3": 21,
    "accepting=true&minRating=4.5&q=oriole&language=en": 21,
    "q=o+n+h+ori+oriole+name&accepting=true": 21,
    "accepting=false&language=en&minRating=5": 120,
    "q=card&city=hamburg": 250,
    "specialty=cardiology&city=hamburg&language=de&accepting=true&minRating=4&q=ca": 21,
}
"""How many documents each may look at for a page of 20."""


@pytest.fixture(scope="module")
def crowded(env: dict[str, str], mongodb_server: str, built: Built) -> Iterator[Built]:
    """5,000 listed doctors, 500 who are not, and 10,000 follows, in a database of their own."""
    model, _ = built.doctors.put_profile("model", "Model", ProfileBody(specialty="Model").fields(), None)
    chance = random.Random(7)
    doctors = [member(model, number, chance) for number in range(DOCTORS + UNLISTED)]
    follows = [
        {"_id": f"p{p}:d{d}", "patientId": f"p{p}", "doctorId": f"d{d}", "at": model["createdAt"]}
        for p in range(FOLLOWERS)
        for d in range(50)
    ]
    uri = with_database(mongodb_server, f"test_{secrets.token_hex(6)}")
    # before the service makes the indexes: they are built faster than filled
    with Database(uri, "crowd").client as client:
        database = client.get_default_database(write_concern=WriteConcern(1))
        database["doctors"].insert_many(doctors)
        database["follows"].insert_many(follows)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**env, "MONGODB_URI": uri}.items():
            patch.setenv(name, value)
        made = build(Config.read())
    yield made
    made.database.client.drop_database(made.database.db.name)
    made.database.close()


def member(model: dict[str, Any], number: int, chance: random.Random) -> dict[str, Any]:
    rating = chance.choice([0, 3.4, 4, 4.33, 4.5, 4.67, 4.8, 5])
    doctor = {
        **model,
        "_id": f"d{number}",
        "name": f"{'Oriole' if number % 500 == 3 else chance.choice(['Ada', 'Ben', 'Cem'])} Name{number % 700}",
        "specialty": chance.choice(SPECIALTIES),
        "clinic": {"name": "House", "address": None, "city": chance.choice(CITIES), "country": None},
        "languages": chance.sample(["en", "de-CH", "fr", "tr"], 2),
        "experienceYears": number % 40,
        "fee": {"hundredths": number % 50 * 100, "currency": "EUR"} if number % 3 else None,
        "rating": {"average": rating, "count": number % 9 if rating else 0, "version": 1},
        "accepting": number % 50 != 0,
        "moderationStatus": "APPROVED" if number < DOCTORS else "PENDING",
        "followers": FOLLOWERS if number < 50 else 0,
    }
    return doctor | derived(doctor)


@pytest.fixture(scope="module")
def app(crowded: Built) -> Flask:
    return create_app(crowded)


@pytest.fixture
def profile(crowded: Built) -> Iterator[Profile]:
    with profiled(crowded.database) as made:
        yield made


@pytest.mark.parametrize("sort", store.ORDERS)
def test_every_search_reads_a_stretch_of_an_index_on_every_page(app: Flask, profile: Profile, sort: str) -> None:
    client = app.test_client()
    for search, examined in SEARCHES.items():
        profile.new()
        cursor, pages = "", 0
        while cursor is not None and pages < 6:
            answer = client.get(f"/api/v1/doctors?sort={sort}&{search}{cursor and '&cursor='}{cursor}")
            assert answer.status_code == 200, answer.json
            cursor, pages = answer.json["data"]["nextCursor"], pages + 1
        assert answer.json["data"]["items"] or pages > 1 or "minRating=5" in search, search
        records = profile.new()
        assert len(records) >= pages
        assert_indexed(records, examined=examined)


def test_a_page_of_a_tie_that_thousands_share_begins_at_its_place(crowded: Built, app: Flask, profile: Profile) -> None:
    # a third of the doctors tell no fee, and stand together behind all others
    client, path = app.test_client(), "/api/v1/doctors?sort=fee&limit=100"
    cursor = client.get(path).json["data"]["nextCursor"]
    for _ in range(44):
        cursor = client.get(f"{path}&cursor={cursor}").json["data"]["nextCursor"]
    profile.new()
    assert client.get(f"{path}&cursor={cursor}").json["data"]["items"]
    assert_indexed(profile.new(), examined=101)


def test_every_route_uses_indexes(crowded: Built, profile: Profile) -> None:
    app = create_app(crowded)
    visits, client = Visits(app), app.test_client()
    doctor, patient, admin = new_id(), new_id(), new_id()

    def visit(who: dict[str, str], method: str, path: str, body: Any = None, examined: int = 3) -> Any:
        profile.new()
        answer = client.open(f"/api/v1{path}", method=method, json=body, headers=who)
        assert answer.status_code < 300, (path, answer.json)
        assert_indexed(profile.new(), examined=examined)
        return answer.json.get("data")

    as_doctor, as_admin = bearer(doctor, "doctor"), bearer(admin, "admin")
    as_patient, follower, anyone = bearer(patient), bearer("p1"), dict[str, str]()
    visit(as_doctor, "PUT", "/doctors/me", {"specialty": "Cardiology"})
    visit(as_doctor, "PUT", "/doctors/me", {"specialty": "Surgery"})
    visit(as_doctor, "PATCH", "/doctors/me", {"bio": "Hearts."})
    visit(as_doctor, "GET", "/doctors/me")
    visit(as_doctor, "PUT", "/doctors/me/visibility", {"visible": True})
    visit(as_doctor, "PUT", "/doctors/me/accepting", {"accepting": True})
    visit(as_doctor, "PUT", "/doctors/me/availability", WEEK)
    visit(as_doctor, "GET", "/doctors/me/availability")
    visit(as_doctor, "PUT", "/doctors/me/availability/overrides/2031-04-09", {"windows": []})
    visit(as_doctor, "GET", "/doctors/me/availability/overrides?from=2031-04-01&to=2031-04-30")
    visit(as_doctor, "DELETE", "/doctors/me/availability/overrides/2031-04-09")
    for query in ("", "?moderationStatus=PENDING", "?moderationStatus=APPROVED"):
        first = visit(as_admin, "GET", f"/admin/doctors{query}", examined=21)
        joint = "&" if query else "?"
        visit(as_admin, "GET", f"/admin/doctors{query}{joint}cursor={first['nextCursor']}", examined=21)
    visit(as_admin, "GET", f"/admin/doctors/{doctor}")
    visit(as_admin, "POST", f"/admin/doctors/{doctor}/reject", {"reason": "No licence."})
    for step, body in (("approve", None), ("suspend", {"reason": "Complaints."}), ("reinstate", None)):
        visit(as_admin, "POST", f"/admin/doctors/{doctor}/{step}", body)
    visit(anyone, "GET", "/doctors", examined=21)
    visit(anyone, "GET", f"/doctors/{doctor}")
    visit(anyone, "GET", f"/doctors/{doctor}/availability")
    visit(as_patient, "PUT", f"/doctors/{doctor}/follow")
    visit(as_patient, "DELETE", f"/doctors/{doctor}/follow")
    first = visit(follower, "GET", "/users/me/following", examined=21)
    visit(follower, "GET", f"/users/me/following?cursor={first['nextCursor']}", examined=21)
    assert visits.missing() == set()


def test_every_event_uses_indexes(crowded: Built, profile: Profile) -> None:
    handlers: dict[str, tuple[Any, Callable[..., None]]] = {
        "user-updated": (events.UserUpdated, crowded.doctors.user_updated),
        "user-deactivated": (events.UserStatus, crowded.doctors.account_closed),
        "user-recovered": (events.UserStatus, crowded.doctors.account_opened),
        "user-suspended": (events.UserStatus, crowded.doctors.account_closed),
        "user-reinstated": (events.UserStatus, crowded.doctors.account_opened),
        "review-posted": (events.DoctorRated, crowded.cards.doctor_rated),
        "review-changed": (events.DoctorRated, crowded.cards.doctor_rated),
        "next-available-changed": (events.NextAvailableChanged, crowded.cards.next_available_changed),
        "user-deleted": (events.UserDeleted, crowded.doctors.user_deleted),
    }

    def handle(kind: str, about: str, examined: int, version: int) -> None:
        shape, effect = handlers[kind]
        subject = "doctorId" if kind in ("review-posted", "review-changed", "next-available-changed") else "userId"
        event = example(kind, **{subject: about, **({} if "review" in kind else {"version": version})})
        profile.new()
        assert crowded.inbox.once(event["id"], lambda s: effect(shape.model_validate(event["data"]), s))
        assert_indexed(profile.new(), examined=examined)

    for version, kind in enumerate(handlers, 2):
        if kind != "user-deleted":
            handle(kind, "d77", 1, version)
    # a patient who follows fifty, a doctor whom two hundred follow
    handle("user-deleted", "p7", 50, 9)
    handle("user-deleted", "d7", FOLLOWERS, 9)


def test_an_export_uses_indexes(crowded: Built, profile: Profile) -> None:
    profile.new()
    crowded.doctors.exported("p2")
    crowded.doctors.exported("d2")
    assert_indexed(profile.new(), examined=50)
