"""Reviews and what they add up to, on the doctor's card too."""

from typing import Any

import pytest

from tests.client import Gateway, Person, eventually
from tests.clinic import book, bookable_doctor, slots


@pytest.fixture
def doctor(gateway: Gateway, admin: Person) -> Person:
    return bookable_doctor(gateway, admin)


def reviewed(gateway: Gateway, doctor: Person, name: str, rating: int) -> tuple[Person, dict[str, Any]]:
    patient = gateway.sign_up(name)
    booked = book(patient, doctor, slots(gateway, doctor)[3]["start"]).expect(201).data
    doctor.post(f"/appointments/{booked['id']}/complete").expect(200)
    body = {"rating": rating, "comment": "Kind and quick."}
    path = f"/appointments/{booked['id']}/review"
    return patient, eventually("the review", lambda: patient.post(path, body).expect(201)).data


def test_a_review_is_edited_answered_reported_hidden_restored_and_deleted(
    gateway: Gateway, admin: Person, doctor: Person
) -> None:
    ann, first = reviewed(gateway, doctor, "Ann Lee", 5)
    bob, second = reviewed(gateway, doctor, "Bob Ray", 1)

    def rating(count: int, average: float, histogram: dict[str, int]) -> None:
        told = gateway.call("GET", f"/doctors/{doctor.id}/rating").expect(200).data
        assert (told["count"], told["average"]) == (count, average)
        assert {stars: number for stars, number in told["histogram"].items() if number} == histogram
        figures = {"average": average, "count": count}
        eventually("the card", lambda: gateway.call("GET", f"/doctors/{doctor.id}").data["rating"] == figures)

    rating(2, 3, {"5": 1, "1": 1})
    bob.call("PATCH", f"/reviews/{second['id']}", {"rating": 3}).expect(200)
    rating(2, 4, {"5": 1, "3": 1})
    ann.call("PATCH", f"/reviews/{second['id']}", {"rating": 5}).expect(404)

    doctor.put(f"/reviews/{second['id']}/reply", {"text": "Thank you."}).expect(200)
    shown = gateway.call("GET", f"/doctors/{doctor.id}/reviews").expect(200).data["items"]
    assert {item["author"]: (item["reply"] or {}).get("text") for item in shown} == {
        "Ann L.": None,
        "Bob R.": "Thank you.",
    }
    assert bob.id not in repr(shown)

    ann.post(f"/reviews/{second['id']}/report", {"reason": "This is about somebody else."})
    reported = admin.get("/admin/reviews?reported=true&limit=100").expect(200).data["items"]
    assert second["id"] in {item["id"] for item in reported}
    admin.post(f"/admin/reviews/{second['id']}/hide", {"reason": "Not about a visit."}).expect(200)
    rating(1, 5, {"5": 1})
    shown = gateway.call("GET", f"/doctors/{doctor.id}/reviews").expect(200).data["items"]
    assert [item["id"] for item in shown] == [first["id"]]
    admin.post(f"/admin/reviews/{second['id']}/restore").expect(200)
    rating(2, 4, {"5": 1, "3": 1})
    ann.call("DELETE", f"/reviews/{first['id']}").expect(200)
    rating(1, 3, {"3": 1})
    for action in ("review.hidden", "review.restored"):
        path = f"/admin/audit?actorId={admin.id}&action={action}&limit=100"
        eventually("the audit", lambda path=path: second["id"] in repr(admin.get(path).expect(200).data["items"]))
