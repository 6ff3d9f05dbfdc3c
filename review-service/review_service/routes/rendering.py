"""Documents as they are answered."""

from chassis.mongo import Document
from review_service.domain import STARS, average
from review_service.service import Held

_PUBLIC = ("doctorId", "rating", "comment", "author", "createdAt", "updatedAt", "version")


def public(review: Document) -> Document:
    """What anybody may see: the author's id and the appointment's are nobody else's business."""
    return {"id": review["_id"], **{key: review[key] for key in _PUBLIC}, "reply": review.get("reply")}


def own(review: Document) -> Document:
    """What its author sees: not which admin hid it."""
    hidden = review.get("hidden")
    return {
        **public(review),
        "appointmentId": review["appointmentId"],
        "hidden": hidden and {"reason": hidden["reason"], "at": hidden["at"]},
    }


def moderated(review: Document) -> Document:
    """What the admins see: not who reported it."""
    reports = review.get("reports", [])
    return {
        **public(review),
        "appointmentId": review["appointmentId"],
        "patientId": review["patientId"],
        "hidden": review.get("hidden"),
        "reportCount": len(reports),
        "reports": [{"reason": report["reason"], "at": report["at"]} for report in reversed(reports)],
    }


def figures(rating: Document) -> Document:
    return {
        "average": average(rating["sum"], rating["count"]),
        "count": rating["count"],
        "histogram": {str(stars): rating["histogram"].get(str(stars), 0) for stars in STARS},
    }


def exported(held: Held) -> Document:
    """What the export tells a person; what others wrote, to a patient or about a doctor, is theirs."""
    return {
        "reviews": [{key: value for key, value in own(review).items() if key != "reply"} for review in held.reviews],
        "replies": [{"reviewId": review["_id"], **review["reply"]} for review in held.replied],
        "reports": [
            {"reviewId": review["_id"], "reason": report["reason"], "at": report["at"]}
            for review in held.reported
            for report in review["reports"]
        ],
        "rating": held.rating and figures(held.rating),
    }
