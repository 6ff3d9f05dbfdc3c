"""Waiting for a doctor's time, and taking what is offered."""

from datetime import datetime

from appointment_service import errors
from appointment_service.domain.appointment import Action
from appointment_service.routes.once import ONCE_ERRORS, ONCE_HEADERS, once
from appointment_service.routes.rendering import place as rendered
from appointment_service.schemas.appointments import Appointment
from appointment_service.schemas.fields import DoctorId, PlaceId
from appointment_service.schemas.waitlist import Place, Places, WaitBody
from appointment_service.service import Requests, Waitlist
from chassis.api import PATIENT, Api, Reply, etag, expected_version, identity
from chassis.errors import NotFound, VersionMismatch
from chassis.headers import ETAG
from chassis.mongo import Document
from chassis.paging import decode_cursor, page
from chassis.schemas import PageQuery


def routes(waitlist: Waitlist, requests: Requests) -> Api:
    api = Api("waitlist")

    @api.post(
        "/doctors/<id>/waitlist",
        access=PATIENT,
        status=201,
        returns=Place,
        errors=[errors.EmailNotVerified, errors.DoctorNotFound, errors.AlreadyWaiting],
        headers=[ETAG],
        message="You are in line: we tell you as soon as a time is free for you.",
    )
    def join(id: DoctorId, body: WaitBody) -> Reply:
        """Wait for a time of a doctor's to be given back, between two dates."""
        return _reply(waitlist.join(identity(), id, body.first, body.last))

    @api.get("/waitlist", access=PATIENT, returns=Places)
    def places(query: PageQuery) -> Document:
        """One's own places in line, latest joined first, and those that became appointments."""
        found = waitlist.places(identity(), _after(query.cursor), query.limit + 1)
        return page(found, query.limit, lambda item: (item["createdAt"], item["_id"]), rendered)

    @api.delete("/waitlist/<id>", access=PATIENT, errors=[NotFound], message="You are in line no more.")
    def leave(id: PlaceId) -> None:
        """Leave the line; what is offered passes on to the next at once. An accepted appointment stands."""
        waitlist.leave(identity(), id)

    @api.post(
        "/waitlist/<id>/accept",
        access=PATIENT,
        returns=Appointment,
        errors=[NotFound, errors.NoOffer, errors.OfferExpired, VersionMismatch, *ONCE_ERRORS],
        headers=ONCE_HEADERS,
        message="The appointment is yours.",
    )
    def accept(id: PlaceId) -> Reply:
        """Take what is offered, as an appointment; again answers with the same."""
        who, expected = identity(), expected_version()
        return once(requests, Action.ACCEPT, lambda session: waitlist.accept(who, id, expected, session))

    @api.post(
        "/waitlist/<id>/decline",
        access=PATIENT,
        returns=Place,
        errors=[NotFound, errors.NoOffer, VersionMismatch],
        headers=[ETAG],
        message="The time passes on to the next in line; you are still in it.",
    )
    def decline(id: PlaceId) -> Reply:
        """Refuse what is offered, and wait on; this slot is not offered to you again."""
        return _reply(waitlist.decline(identity(), id, expected_version()))

    return api


def _reply(place: Document) -> Reply:
    return Reply(rendered(place), headers=etag(place["version"]))


def _after(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    joined, identifier = decode_cursor(cursor, (datetime, str))
    return joined, identifier
