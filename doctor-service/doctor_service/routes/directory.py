"""What everybody sees of the doctors, and whom a patient follows."""

from datetime import datetime
from typing import Any

from chassis.api import PATIENT, PUBLIC, Api, identity
from chassis.mongo import Document
from chassis.paging import decode_cursor, page
from chassis.schemas import PageQuery, invalid
from doctor_service.domain import Search, fold, words
from doctor_service.errors import DoctorNotFound
from doctor_service.routes.rendering import public
from doctor_service.schemas import directory
from doctor_service.schemas.directory import SearchQuery
from doctor_service.schemas.fields import DoctorId
from doctor_service.schemas.profiles import PublicDoctor
from doctor_service.service import Doctors, Follows
from doctor_service.store import ORDERS

_NUMBER = (int, float)
_KINDS: dict[str, list[type | tuple[type, ...]]] = {
    "rating": [_NUMBER, _NUMBER, str],
    "name": [str, str],
    "experience": [_NUMBER, str],
    "fee": [_NUMBER, str],
}


def routes(doctors: Doctors, follows: Follows) -> Api:
    api = Api("directory")

    @api.get("/doctors", access=PUBLIC, returns=directory.Doctors)
    def search_doctors(query: SearchQuery) -> dict[str, Any]:
        """Find doctors: approved, visible and active ones."""
        found = doctors.search(_search(query), query.sort, _place(query), query.limit + 1)
        return page(found, query.limit, lambda doctor: _key(query.sort, doctor), public)

    @api.get("/doctors/<id>", access=PUBLIC, returns=PublicDoctor, errors=[DoctorNotFound])
    def doctor(id: DoctorId) -> Document:
        """One doctor."""
        return public(doctors.listed(id))

    @api.put(
        "/doctors/<id>/follow",
        access=PATIENT,
        errors=[DoctorNotFound],
        message="You follow this doctor.",
    )
    def follow(id: DoctorId) -> None:
        """Follow a doctor; again is the same as once."""
        follows.follow(identity().user_id, id)

    @api.delete("/doctors/<id>/follow", access=PATIENT, message="You do not follow this doctor.")
    def unfollow(id: DoctorId) -> None:
        """Follow a doctor no more; again is the same as once."""
        follows.unfollow(identity().user_id, id)

    @api.get("/users/me/following", access=PATIENT, returns=directory.Following)
    def following(query: PageQuery) -> dict[str, Any]:
        """Whom the patient follows, latest first."""
        after = decode_cursor(query.cursor, [datetime, str]) if query.cursor else None
        found = follows.following(identity().user_id, after, query.limit + 1)
        return page(found, query.limit, lambda item: [item["at"], item["_id"]], _follow)

    return api


def _search(query: SearchQuery) -> Search:
    asked = words(query.q or "")
    specialty, city = fold(query.specialty or ""), fold(query.city or "")
    # a lone accent, say: to leave it out would find everybody
    for field, sent, left in (
        ("q", query.q, asked),
        ("specialty", query.specialty, specialty),
        ("city", query.city, city),
    ):
        if sent and not left:
            raise invalid(field, "must hold a letter or a digit")
    return Search(
        words=asked,
        specialty=specialty,
        city=city,
        language=query.language.lower() if query.language else None,
        accepting=query.accepting,
        min_rating=query.min_rating,
    )


def _key(order: str, doctor: Document) -> list[Any]:
    """A doctor's place in an order; the order's name leads, for a cursor of one list is none of another."""
    return [order, *(_value(doctor, field) for field, _ in ORDERS[order])]


def _value(document: Document, path: str) -> Any:
    value: Any = document
    for part in path.split("."):
        value = value[part]
    return value


def _place(query: SearchQuery) -> list[Any] | None:
    if not query.cursor:
        return None
    order, *place = decode_cursor(query.cursor, [str, *_KINDS[query.sort]])
    if order != query.sort:
        raise invalid("cursor", "is not a cursor of this list")
    return place


def _follow(follow: Document) -> Document:
    doctor = follow["doctor"]
    return {
        "doctorId": follow["doctorId"],
        "followedAt": follow["at"],
        "doctor": public(doctor) if doctor else None,
    }
