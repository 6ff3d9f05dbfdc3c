"""Made-up reviews are read with the rating that they add up to; visits without one can be reviewed."""

from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from chassis.clock import instant_text, new_id, now
from chassis.seeding import Plan
from devkit.testing import bearer, write_plan
from review_service.bootstrap import Built
from review_service.seed import take


def test_reviews_and_ratings_agree_and_a_visit_is_reviewed_once(
    built: Built, client: FlaskClient, tmp_path: Path
) -> None:
    doctor, patient, at = new_id(), new_id(), instant_text(now())
    standing = {"doctorId": doctor, "version": 3, "moderationStatus": "APPROVED", "visible": True, "active": True}
    visits = [
        {"appointmentId": new_id(), "doctorId": doctor, "patientId": patient, "version": 3, "status": status}
        for status in ("COMPLETED", "COMPLETED", "COMPLETED", "NO_SHOW", "BOOKED")
    ]

    def review(number: int, stars: int, **more: Any) -> dict[str, Any]:
        about = {name: visits[number][name] for name in ("appointmentId", "doctorId", "patientId")}
        said = {"reviewId": new_id(), "patientName": "Mia Keller", "rating": stars, "comment": "Kind.", "at": at}
        return {**about, **said, "reply": None, "reports": [], **more}

    reviews = [
        review(0, 5, reply={"text": "Thank you.", "at": at}),
        review(1, 2, reports=[{"by": doctor, "reason": "Was never here", "at": at}]),
    ]
    plan = Plan(write_plan(tmp_path / "plan", doctors=[standing], appointments=visits, reviews=reviews))
    assert take(built, plan) == {"standings": 1, "visits": 4, "reviews": 2, "ratings": 1}

    def get(path: str, headers: dict[str, str] | None = None) -> Any:
        return client.get(f"/api/v1{path}", headers=headers).json["data"]

    rating = get(f"/doctors/{doctor}/rating")
    assert (rating["average"], rating["count"]) == (3.5, 2)
    shown = {item["rating"]: item for item in get(f"/doctors/{doctor}/reviews")["items"]}
    assert shown[5]["reply"]["text"] == "Thank you."
    assert shown[2]["author"] == "Mia K."
    reported = get("/admin/reviews?reported=true", bearer(new_id(), "admin"))["items"]
    assert reviews[1]["reviewId"] in [item["id"] for item in reported]

    def post(number: int) -> str | None:
        path = f"/api/v1/appointments/{visits[number]['appointmentId']}/review"
        return client.post(path, json={"rating": 4}, headers=bearer(patient)).json.get("code")

    assert [post(number) for number in range(5)] == ["ALREADY_REVIEWED"] * 2 + [None] + ["NOT_REVIEWABLE"] * 2
    # the next is counted on top
    after = get(f"/doctors/{doctor}/rating")
    assert (after["average"], after["count"], after["histogram"]["4"]) == (3.67, 3, 1)
    assert built.database["reviews"].count_documents({"doctorId": doctor, "outbox.id": {"$exists": True}}) == 1
