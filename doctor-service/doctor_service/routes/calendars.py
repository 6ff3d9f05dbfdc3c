"""When a doctor works: the ordinary week, and the dates that differ."""

from chassis.api import DOCTOR, PUBLIC, Api, Reply, etag, expected_version, identity
from chassis.errors import VersionMismatch
from chassis.headers import ETAG
from chassis.mongo import Document
from chassis.paging import decode_cursor, page
from chassis.schemas import invalid
from doctor_service.domain import overrides_between
from doctor_service.errors import (
    AvailabilityMissing,
    DoctorNotFound,
    DoctorProfileMissing,
    OverrideNotFound,
    TooManyOverrides,
)
from doctor_service.schemas.calendars import (
    Availability,
    AvailabilityBody,
    OverrideBody,
    Overrides,
    OverridesQuery,
    OwnAvailability,
    SetOverride,
)
from doctor_service.schemas.fields import Day, DoctorId, written_day
from doctor_service.service import Doctors

_CHANGE_ERRORS = [DoctorProfileMissing, VersionMismatch]


def routes(doctors: Doctors) -> Api:
    api = Api("calendars")

    @api.put(
        "/doctors/me/availability",
        access=DOCTOR,
        returns=OwnAvailability,
        errors=_CHANGE_ERRORS,
        headers=[ETAG],
        message="Your hours are published.",
    )
    def put_availability(body: AvailabilityBody) -> Reply:
        """Publish the weekly hours, in the wall-clock time of a zone, and the terms of booking."""
        availability = body.model_dump(by_alias=True)
        return _own(doctors.set_availability(identity().user_id, availability, expected_version()))

    @api.get(
        "/doctors/me/availability",
        access=DOCTOR,
        returns=OwnAvailability,
        errors=[DoctorProfileMissing, AvailabilityMissing],
        headers=[ETAG],
    )
    def own_availability() -> Reply:
        """The doctor's own weekly hours and terms."""
        return _own(doctors.own(identity().user_id))

    @api.get(
        "/doctors/<id>/availability",
        access=PUBLIC,
        returns=Availability,
        errors=[DoctorNotFound, AvailabilityMissing],
    )
    def availability(id: DoctorId) -> Document:
        """A listed doctor's weekly hours and terms."""
        return _published(doctors.listed(id))

    @api.put(
        "/doctors/me/availability/overrides/<date>",
        access=DOCTOR,
        returns=SetOverride,
        errors=[*_CHANGE_ERRORS, TooManyOverrides],
        headers=[ETAG],
        message="That date is set.",
    )
    def put_override(date: Day, body: OverrideBody) -> Reply:
        """Set one date's hours in place of the weekly ones; no windows is a day off."""
        override = {"date": _date(date), **body.model_dump(by_alias=True)}
        doctor = doctors.set_override(identity().user_id, override, expected_version())
        return Reply({**override, "version": doctor["version"]}, headers=etag(doctor["version"]))

    @api.delete(
        "/doctors/me/availability/overrides/<date>",
        access=DOCTOR,
        errors=[*_CHANGE_ERRORS, OverrideNotFound],
        headers=[ETAG],
        message="The weekly hours hold again.",
    )
    def remove_override(date: Day) -> Reply:
        """Let the weekly hours hold on that date."""
        doctor = doctors.remove_override(identity().user_id, _date(date), expected_version())
        return Reply(headers=etag(doctor["version"]))

    @api.get(
        "/doctors/me/availability/overrides",
        access=DOCTOR,
        returns=Overrides,
        errors=[DoctorProfileMissing],
        headers=[ETAG],
    )
    def overrides(query: OverridesQuery) -> Reply:
        """The dates that differ from the ordinary week, in their order."""
        if query.first and query.last and query.first > query.last:
            raise invalid("to", "must not be before from")
        after = decode_cursor(query.cursor, [str])[0] if query.cursor else ""
        doctor = doctors.own(identity().user_id)
        found = [
            item for item in overrides_between(doctor["overrides"], query.first, query.last) if item["date"] > after
        ]
        listed = page(found, query.limit, lambda item: [item["date"]], lambda item: item)
        return Reply(listed, headers=etag(doctor["version"]))

    return api


def _own(doctor: Document) -> Reply:
    return Reply({**_published(doctor), "version": doctor["version"]}, headers=etag(doctor["version"]))


def _published(doctor: Document) -> Document:
    availability: Document | None = doctor["availability"]
    if availability is None:
        raise AvailabilityMissing
    return availability


def _date(text: str) -> str:
    try:
        return written_day(text)
    except ValueError as error:
        raise invalid("date", str(error)) from None
