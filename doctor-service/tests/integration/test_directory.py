"""What everybody sees of the doctors."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from doctor_service.bootstrap import Built

Make = Callable[..., Any]

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
    crowd = [
        {
            **model,
            "_id": f"doctor-{number:03}",
            "name": f"Name {number % 7}",
            "experienceYears": number % 5,
            "rating": {"average": 1 + number % 4 + number % 2 / 2, "count": number % 3, "version": 1},
            "search": {
                **model["search"],
                "name": f"name {number % 7}",
                "fee": number % 6,
                **({"city": "lyon", "languages": ["de", "de-ch"]} if number % 3 == 0 else {"specialty": "surgery"}),
            },
        }
        for number in range(300)
    ]
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
        ("?city=Lyon&specialty=Dermatology&accepting=true&q=a&language=fr", ["Amara Öyelaran"]),
    ],
)
def test_the_list_can_be_narrowed(listed: Make, anyone: Any, built: Built, query: str, found: list[str] | None) -> None:
    listed("Amara Öyelaran", languages=["fr"], clinic={"name": "Parc", "city": "Lyon"})
    other = listed(
        "Bruno Costa",
        specialty="Paediatrics",
        bio="Children's eczema.",
        languages=["pt-BR"],
        clinic={"name": "Sol", "city": "São Paulo"},
    )
    other.call("PUT", "/doctors/me/accepting", {"accepting": False})
    built.database["doctors"].update_one({"_id": other.id}, {"$set": {"rating.average": 4.5, "rating.count": 2}})
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


@pytest.mark.parametrize("query", LISTS.values(), ids=LISTS)
def test_each_list_reads_its_index_and_sorts_nothing(anyone: Any, crowd: list[str], built: Built, query: str) -> None:
    database = built.database.db
    database.command("profile", 2)
    try:
        read = list(pages(anyone, query, 20))
    finally:
        database.command("profile", 0)
    operations = list(database["system.profile"].find({"op": "query", "ns": f"{database.name}.doctors"}))
    database.drop_collection("system.profile")
    assert len(operations) == len(read) > 1
    for operation in operations:
        assert "COLLSCAN" not in operation["planSummary"], operation["planSummary"]
        assert "listed_" in repr(operation["execStats"]), "a list reads an index of the listed doctors alone"
        assert not operation.get("hasSortStage"), operation["planSummary"]
        # a later page begins at its place in the index; the planner tries two ways on the way there
        assert operation["docsExamined"] <= 45


@pytest.mark.parametrize(
    "query",
    [
        "?q=ama",
        "?q=ama&sort=name",
        "?specialty=dermatology&sort=fee&city=lyon",
        "?accepting=true&language=de&sort=name",
    ],
)
def test_no_search_reads_the_whole_collection(anyone: Any, crowd: list[str], built: Built, query: str) -> None:
    database = built.database.db
    database.command("profile", 2)
    try:
        assert anyone.get(f"/doctors{query}")["items"]
    finally:
        database.command("profile", 0)
    (operation,) = database["system.profile"].find({"op": "query", "ns": f"{database.name}.doctors"})
    database.drop_collection("system.profile")
    assert "COLLSCAN" not in operation["planSummary"]
    assert "listed_" in repr(operation["execStats"])


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
