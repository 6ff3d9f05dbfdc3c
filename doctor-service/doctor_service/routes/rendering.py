"""Documents as they are answered."""

from chassis.clock import now
from chassis.mongo import Document
from doctor_service.domain import next_available

_PUBLIC = (
    "name",
    "specialty",
    "bio",
    "qualifications",
    "languages",
    "experienceYears",
    "clinic",
    "photoUrl",
    "accepting",
    "followers",
)
_OWN = ("moderationStatus", "moderationReason", "visible", "active", "createdAt", "updatedAt", "version")


def public(doctor: Document) -> Document:
    """What anybody may see of a doctor."""
    rating = doctor["rating"]
    return {
        "id": doctor["_id"],
        **{key: doctor[key] for key in _PUBLIC},
        "fee": _fee(doctor["fee"]),
        "rating": {"average": rating["average"], "count": rating["count"]},
        "nextAvailable": next_available(doctor, now()),
    }


def own(doctor: Document) -> Document:
    """What the doctor sees besides."""
    return {**public(doctor), **{key: doctor[key] for key in _OWN}}


def moderated(doctor: Document) -> Document:
    """What the admins see besides."""
    return {**own(doctor), "moderationHistory": doctor["moderationHistory"]}


def exported(doctor: Document | None, follows: list[Document]) -> Document:
    """What the export tells a person; not who decided on the profile, nor who follows: those are other people."""
    profile = doctor and {
        **own(doctor),
        "moderationHistory": [
            {key: value for key, value in line.items() if key != "by"} for line in doctor["moderationHistory"]
        ],
    }
    return {
        "profile": profile,
        "availability": doctor and doctor["availability"],
        "overrides": doctor["overrides"] if doctor else [],
        "following": [{"doctorId": follow["doctorId"], "followedAt": follow["at"]} for follow in follows],
    }


def _fee(fee: Document | None) -> Document | None:
    if fee is None:
        return None
    whole, cents = divmod(fee["hundredths"], 100)
    return {"amount": fee["hundredths"] / 100 if cents else whole, "currency": fee["currency"]}
