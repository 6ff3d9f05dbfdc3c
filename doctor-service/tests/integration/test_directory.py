"""What everybody sees of the doctors."""

import itertools
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo import WriteConcern

from chassis.clock import instant_text, new_id
from doctor_service import events
from doctor_service.app import create_app
from doctor_service.bootstrap import Built, migrator
from doctor_service.domain import derived
from doctor_service.store import ORDERS

Make = Callable[..., Any]

CLINIC = {"name": "Parc", "address": None, "city": "Lyon", "country": None}

LISTS = {
    "unfiltered": "",
    "by rating": "?sort=rating",
    "by name": "?sort=name",
    "by experience": "?sort=experience",
    "by fee": "?sort=fee",
    "of a specialty": "?specialty=dermatology",
    "of a city": "?city=lyon",
    "of a language": "?language=de",
    "well rated": "?minRating=4",
}


@pytest.fixture(autouse=True)
def empty(built: Built) -> None:
    built.database["doctors"].delete_many({})


@pytest.fixture
def crowd(built: Built, listed: Make) -> list[str]:
    """Three hundred listed doctors, many of them alike, and as many who are not.

    Every third is in Lyon, is a dermatologist and speaks German.
    """
    model = built.database["doctors"].find_one({"_id": listed().id})
    assert model
    built.database["doctors"].delete_many({})
    crowd = []
    for number in range(300):
        doctor = {
            **model,
            "_id": f"doctor-{number:03}",
            "name": f"Name {number % 7}",
            "experienceYears": number % 5,
            "fee": {"hundredths": number % 6, "currency": "EUR"},
            "rating": {"average": 1 + number % 4 + number % 2 / 2, "count": number % 3, "version": 1},
            **({"clinic": CLINIC, "languages": ["de-CH"]} if number % 3 == 0 else {}),
            **({"specialty": "Surgery"} if number % 3 else {}),
        }
        crowd.append(doctor | derived(doctor))
    unlisted = [{**doctor, "_id": f"un{doctor['_id']}", "listed": False} for doctor in crowd]
    built.database["doctors"].insert_many(crowd + unlisted)
    return [doctor["_id"] for doctor in crowd]


def names(anyone: Any, query: str) -> list[str]:
    return [doctor["name"] for doctor in anyone.get(f"/doctors{query}")["items"]]


def pages(anyone: Any, query: str, limit: int) -> Iterator[list[Any]]:
    cursor = ""
    joint = "&" if query else "?"
    while True:
        data = anyone.get(f"/doctors{query}{joint}limit={limit}{cursor}")
        yield data["items"]
        if data["nextCursor"] is None:
            return
        cursor = f"&cursor={data['nextCursor']}"


def test_only_approved_visible_and_active_doctors_are_listed(
    listed: Make, pending: Make, admin: Any, anyone: Any, built: Built
) -> None:
    seen, hidden, rejected, gone, waiting = listed("Seen"), listed("Hidden"), pending(), listed("Gone"), pending()
    hidden.call("PUT", "/doctors/me/visibility", {"visible": False})
    admin.call("POST", f"/admin/doctors/{rejected.id}/reject", {"reason": "No licence."})
    built.database["doctors"].update_one({"_id": gone.id}, {"$set": {"active": False, "listed": False}})
    assert names(anyone, "") == ["Seen"]
    assert anyone.get(f"/doctors/{seen.id}")["name"] == "Seen"
    for unlisted in (hidden, rejected, gone, waiting):
        answer = anyone.call("GET", f"/doctors/{unlisted.id}")
        assert (answer.status_code, answer.json["code"]) == (404, "DOCTOR_NOT_FOUND")


def test_a_public_doctor_shows_nothing_of_the_moderation(listed: Make, anyone: Any) -> None:
    doctor = listed(fee={"amount": 60, "currency": "EUR"}, clinic={"name": "Parc", "city": "Lyon", "country": "FR"})
    shown = anyone.get(f"/doctors/{doctor.id}")
    assert anyone.get("/doctors")["items"] == [shown]
    assert shown == {
        "id": doctor.id,
        "name": "Amara Oyelaran",
        "specialty": "Dermatology",
        "bio": None,
        "qualifications": [],
        "languages": [],
        "experienceYears": 0,
        "fee": {"amount": 60, "currency": "EUR"},
        "clinic": {"name": "Parc", "address": None, "city": "Lyon", "country": "FR"},
        "photoUrl": None,
        "accepting": True,
        "rating": {"average": 0, "count": 0},
        "followers": 0,
        "nextAvailable": None,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=amara", ["Amara Öyelaran"]),
        ("?q=OYEL", ["Amara Öyelaran"]),
        ("?q=%C3%96yelaran+derma", ["Amara Öyelaran"]),
        ("?q=bruno+derma", []),
        ("?q=eczema", ["Bruno Costa"]),
        ("?q=sao+paulo", ["Bruno Costa"]),
        ("?q=yelaran", []),
        ("?q=sol", ["Bruno Costa"]),
        # of the bio, whole words
        ("?q=ecz", []),
        ("?q=gastroenterology", ["Bruno Costa"]),
        ("?q=gastroenterologists", []),
        ("?q=a+d+l+p+amara+oyelaran+dermatology", ["Amara Öyelaran"]),
        ("?q=a+d+l+p+amara+oyelaran+dermatology+x", []),
        ("?q=.*", None),
        ("?specialty=DERMATOLOGY", ["Amara Öyelaran"]),
        ("?specialty=derma", []),
        ("?city=s%C3%A3o%20paulo", ["Bruno Costa"]),
        ("?language=pt", ["Bruno Costa"]),
        ("?language=PT-br", ["Bruno Costa"]),
        ("?language=pt-PT", []),
        ("?accepting=true", ["Amara Öyelaran"]),
        ("?accepting=false", ["Bruno Costa"]),
        ("?minRating=4.5", ["Bruno Costa"]),
        ("?minRating=4.6", []),
        ("?minRating=4.6&sort=name", []),
        ("?minRating=4.2&sort=name", ["Bruno Costa"]),
        ("?minRating=0&sort=fee", ["Amara Öyelaran", "Bruno Costa"]),
        ("?specialty=paediatrics&city=lyon", []),
        ("?city=Lyon&specialty=Dermatology&accepting=true&q=a&language=fr", ["Amara Öyelaran"]),
    ],
)
def test_the_list_can_be_narrowed(listed: Make, anyone: Any, built: Built, query: str, found: list[str] | None) -> None:
    listed("Amara Öyelaran", languages=["fr"], clinic={"name": "Parc", "city": "Lyon"})
    other = listed(
        "Bruno Costa",
        specialty="Paediatrics",
        bio="Children's eczema, gastroenterology.",
        languages=["pt-BR"],
        clinic={"name": "Sol", "city": "São Paulo"},
    )
    other.call("PUT", "/doctors/me/accepting", {"accepting": False})
    rating = {"average": 4.5, "count": 2, "version": 2}
    rated = events.DoctorRated.model_validate({"doctorId": other.id, "doctorRating": rating})
    built.database.transact(lambda session: built.cards.doctor_rated(rated, session))
    if found is None:
        assert anyone.call("GET", f"/doctors{query}").status_code == 422
    else:
        assert names(anyone, query) == found


def test_each_order_is_as_it_says(listed: Make, anyone: Any, built: Built) -> None:
    cheap = listed("Édith", experienceYears=1, fee={"amount": 9.5, "currency": "EUR"})
    listed("zoë", experienceYears=30)
    dear = listed("Adam", experienceYears=9, fee={"amount": 80, "currency": "EUR"})
    for doctor, average, count in ((cheap, 4.5, 2), (dear, 4.5, 10)):
        built.database["doctors"].update_one(
            {"_id": doctor.id}, {"$set": {"rating.average": average, "rating.count": count}}
        )
    assert names(anyone, "") == names(anyone, "?sort=rating") == ["Adam", "Édith", "zoë"]
    assert names(anyone, "?sort=name") == ["Adam", "Édith", "zoë"]
    assert names(anyone, "?sort=experience") == ["zoë", "Adam", "Édith"]
    assert names(anyone, "?sort=fee") == ["Édith", "Adam", "zoë"]


@pytest.mark.parametrize("query", LISTS.values(), ids=LISTS)
def test_paging_shows_each_doctor_once_in_one_order(anyone: Any, crowd: list[str], query: str) -> None:
    (whole,) = [[doctor["id"] for page in pages(anyone, query, 100) for doctor in page]]
    paged = [doctor["id"] for page in pages(anyone, query, 7) for doctor in page]
    assert paged == whole
    assert len(set(whole)) == len(whole) >= 75
    if not query or "sort" in query:
        assert sorted(whole) == crowd


@pytest.mark.parametrize(
    ("sort", "narrowed"),
    [("rating", ""), ("name", "&q=surg"), ("experience", "&accepting=true&minRating=1"), ("fee", "")],
)
def test_nobody_is_lost_or_doubled_by_what_happens_to_others_between_two_pages(
    built: Built, anyone: Any, crowd: list[str], sort: str, narrowed: str
) -> None:
    query = f"?sort={sort}{narrowed}"
    # every second doctor stays as it is; with the others, whatever can happen does, until they all are gone
    still = set(crowd[1::2])
    expected = [doctor["id"] for page in pages(anyone, query, 100) for doctor in page if doctor["id"] in still]
    assert len(expected) > 50
    others = random.Random(sort + narrowed).sample(crowd[::2], 150)
    seen = []
    for page in pages(anyone, query, 5):
        seen += [doctor["id"] for doctor in page if doctor["id"] in still]
        # the last of the page among them, so that the next begins behind a place where nobody stands
        for doctor_id in [*(doctor["id"] for doctor in page if doctor["id"] not in still), *others[:3]]:
            happen(built, doctor_id, len(seen))
        others = others[3:]
    assert seen == expected


def happen(built: Built, doctor_id: str, number: int) -> None:
    """A doctor is erased, renamed, rated anew, hidden, or comes again as another."""
    doctors = built.database["doctors"].with_options(write_concern=WriteConcern(1))
    doctor = doctors.find_one({"_id": doctor_id})
    if doctor is None:
        return
    doctors.delete_one({"_id": doctor_id})
    if number % 4 == 0:
        doctor["_id"] = new_id()
    doctor["name"] = f"Name {number % 9}"
    doctor["fee"] = {"hundredths": number % 7, "currency": "EUR"}
    doctor["experienceYears"] = number % 6
    doctor["rating"] = {"average": 1 + number % 5, "count": number % 4, "version": 2}
    doctor["visible"] = number % 5 != 0
    if number % 3:
        doctors.insert_one(doctor | derived(doctor))


def test_everybody_is_found_once_while_others_change(built: Built, crowd: list[str]) -> None:
    app, still, done = create_app(built), set(crowd[1::2]), Event()
    versions = itertools.count(2)
    changed: list[str] = []

    def disturb(number: int) -> None:
        chance = random.Random(number)
        while not done.is_set():
            doctor_id, version = chance.choice(crowd[::2]), next(versions)
            rating = {"average": chance.randint(1, 5), "count": version, "version": version}
            rated = events.DoctorRated.model_validate({"doctorId": doctor_id, "doctorRating": rating})
            built.database.transact(partial(built.cards.doctor_rated, rated))
            renamed = events.UserUpdated(user_id=doctor_id, name=f"Name {chance.randint(0, 9)}", version=version)
            built.database.transact(partial(built.doctors.user_updated, renamed))
            built.doctors.set_visible(doctor_id, chance.random() < 0.5, None)
            changed.append(doctor_id)

    def read(sort: str) -> list[str]:
        client = app.test_client()
        reader = SimpleNamespace(get=lambda path: client.get(f"/api/v1{path}").json["data"])
        return [doctor["id"] for page in pages(reader, f"?sort={sort}&q=n", 10) for doctor in page]

    with ThreadPoolExecutor(6) as pool:
        disturbing = [pool.submit(disturb, number) for number in range(2)]
        try:
            while len(changed) < 20 and not any(each.done() for each in disturbing):
                for seen in pool.map(read, ORDERS):
                    unmoved = [each for each in seen if each in still]
                    assert len(unmoved) == len(still)
                    assert set(unmoved) == still
        finally:
            done.set()
        for each in disturbing:
            each.result()


def test_a_card_shows_the_next_free_slot_until_it_has_begun_or_nobody_is_taken(
    listed: Make, patient: Any, anyone: Any, built: Built
) -> None:
    doctor = listed()
    patient.call("PUT", f"/doctors/{doctor.id}/follow")

    def shown() -> list[Any]:
        (found,), (followed,) = anyone.get("/doctors")["items"], patient.get("/users/me/following")["items"]
        cards = (found, followed["doctor"], anyone.get(f"/doctors/{doctor.id}"), doctor.get("/doctors/me"))
        return [card["nextAvailable"] for card in cards]

    def tell(version: int, start: datetime | None) -> None:
        slot = start and {"start": instant_text(start), "end": instant_text(start + timedelta(minutes=30))}
        event = {"doctorId": doctor.id, "version": version, "nextAvailable": slot}
        told = events.NextAvailableChanged.model_validate(event)
        built.database.transact(lambda session: built.cards.next_available_changed(told, session))

    soon, later = (datetime(2040, 4, day, 8, 30, tzinfo=UTC) for day in (1, 2))
    assert shown() == [None] * 4
    tell(2, soon)
    assert shown() == ["2040-04-01T08:30:00Z"] * 4
    # what is older or the same comes late
    tell(1, later)
    tell(2, later)
    assert shown() == ["2040-04-01T08:30:00Z"] * 4
    doctor.call("PUT", "/doctors/me/accepting", {"accepting": False})
    assert shown() == [None] * 4
    doctor.call("PUT", "/doctors/me/accepting", {"accepting": True})
    tell(3, later)
    assert shown() == ["2040-04-02T08:30:00Z"] * 4
    tell(4, datetime(2024, 4, 1, tzinfo=UTC))
    assert shown() == [None] * 4
    tell(5, None)
    assert shown() == [None] * 4
    assert (doctor.get("/doctors/me")["version"], built.database["doctors"].count_documents({})) == (4, 1)


def test_a_rating_is_found_by_its_new_stars_even_if_the_doctor_changes_at_that_moment(
    listed: Make, anyone: Any, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor = listed()
    rating = {"average": 4.5, "count": 2, "version": 2}
    rated = events.DoctorRated.model_validate({"doctorId": doctor.id, "doctorRating": rating})
    read = built.doctors._store.doctor

    def read_and_rated(*arguments: Any) -> Any:
        before = read(*arguments)
        # between the reading and the writing of the doctor's own change
        monkeypatch.undo()
        built.database.transact(lambda session: built.cards.doctor_rated(rated, session))
        return before

    monkeypatch.setattr(built.doctors._store, "doctor", read_and_rated)
    built.doctors.set_accepting(doctor.id, False, None)
    assert names(anyone, "?sort=name&minRating=4.2&accepting=false") == ["Amara Oyelaran"]


def test_what_an_earlier_version_wrote_is_made_whole_by_the_migration_that_is_repeated(
    listed: Make, anyone: Any, built: Built, outbox: Make
) -> None:
    doctor, other = listed(clinic={"name": "Parc", "city": "Lyon"}), listed("Bruno Costa")
    lacking = {"search.keys": "", "nextAvailable": ""}
    built.database["doctors"].update_one({"_id": doctor.id}, {"$unset": lacking, "$set": {"outbox": []}})
    assert anyone.get(f"/doctors/{doctor.id}")["nextAvailable"] is None
    assert names(anyone, "?sort=name") == ["Amara Oyelaran", "Bruno Costa"]
    for _ in range(2):
        migrator(built.database).repeat()
        assert names(anyone, "?city=lyon") == ["Amara Oyelaran"]
    # once, with what others did not know
    (told,) = outbox(doctor.id)
    assert (told["data"]["version"], told["data"]["clinic"]["name"]) == (3, "Parc")
    assert doctor.get("/doctors/me")["version"] == 3
    assert other.get("/doctors/me")["version"] == 2
    # it stored a rating, and left the stars of before
    rating = {"average": 4.5, "count": 2, "version": 2}
    built.database["doctors"].update_one({"_id": other.id}, {"$set": {"rating": rating}})
    assert names(anyone, "?sort=name&minRating=4") == []
    migrator(built.database).repeat()
    assert names(anyone, "?sort=name&minRating=4") == ["Bruno Costa"]


def test_a_long_name_can_be_paged_by(listed: Make, anyone: Any) -> None:
    longest = "\U0001f9d1" * 199
    ids = {listed(f"{longest}{last}").id for last in "abc"}
    (first,), (second,), (third,) = pages(anyone, "?sort=name", 1)
    assert {first["id"], second["id"], third["id"]} == ids


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "sort=age",
        "minRating=6",
        "minRating=nan",
        "accepting=maybe",
        "language=not%20one",
        "city=",
        # an accent on nothing
        "city=%CC%81",
        "specialty=%CC%81",
        "q=",
        "page=2",
        "city=a&city=b",
        "cursor=nonsense",
        # ["name", "a", "b"]: a cursor of another list
        "cursor=WyJuYW1lIiwiYSIsImIiXQ",
        "sort=name&cursor=WyJyYXRpbmciLCJhIiwiYiJd",
        # ["rating", 18446744073709551615, 0, "x"]: a number that the database cannot hold
        "cursor=WyJyYXRpbmciLDE4NDQ2NzQ0MDczNzA5NTUxNjE1LDAsIngiXQ",
    ],
)
def test_a_query_that_makes_no_sense_is_refused(anyone: Any, query: str) -> None:
    assert anyone.call("GET", f"/doctors?{query}").status_code == 422
