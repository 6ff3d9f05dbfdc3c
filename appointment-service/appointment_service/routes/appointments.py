"""Appointments: booking them, and what becomes of them."""

from datetime import datetime

from appointment_service import errors
from appointment_service.domain.appointment import Action
from appointment_service.routes.answers import CHANGE_ERRORS, reply
from appointment_service.routes.once import ONCE_ERRORS, ONCE_HEADERS, once
from appointment_service.routes.rendering import appointment as rendered
from appointment_service.routes.rendering import with_history
from appointment_service.schemas.appointments import (
    Appointment,
    Appointments,
    AppointmentsQuery,
    AppointmentWithHistory,
    BookBody,
    ReasonBody,
    RescheduleBody,
)
from appointment_service.schemas.fields import AppointmentId
from appointment_service.service import AppointmentService, Booking, Requests
from chassis.api import DOCTOR, PATIENT, SELF, Api, Reply, etag, expected_version, identity
from chassis.errors import NotFound
from chassis.headers import ETAG
from chassis.mongo import Document
from chassis.paging import decode_cursor, page


def routes(booking: Booking, service: AppointmentService, requests: Requests) -> Api:
    api = Api("appointments")

    @api.post(
        "/appointments",
        access=PATIENT,
        status=201,
        returns=Appointment,
        errors=[
            errors.EmailNotVerified,
            errors.DoctorNotFound,
            errors.DoctorNotAccepting,
            errors.SlotUnavailable,
            errors.SlotTaken,
            errors.PatientBusy,
            *ONCE_ERRORS,
        ],
        headers=ONCE_HEADERS,
        message="Your appointment is made.",
    )
    def book(body: BookBody) -> Reply:
        """Book one of a doctor's slots, or ask for it where the doctor decides first."""
        who = identity()
        return once(
            requests,
            Action.BOOK,
            lambda session: booking.book(who, body.doctor_id, body.start, body.reason, session),
            status=201,
        )

    @api.get("/appointments", access=SELF, returns=Appointments)
    def appointments(query: AppointmentsQuery) -> Document:
        """One's own appointments as patient or doctor, newest start first; an admin sees all."""
        found = service.appointments(
            identity(),
            doctor_id=query.doctor_id,
            patient_id=query.patient_id,
            status=query.status,
            since=query.since,
            until=query.until,
            after=_after(query.cursor),
            limit=query.limit + 1,
        )
        return page(found, query.limit, lambda item: (item["start"], item["_id"]), rendered)

    @api.get("/appointments/<id>", access=SELF, returns=AppointmentWithHistory, errors=[NotFound], headers=[ETAG])
    def appointment(id: AppointmentId) -> Reply:
        """An appointment with its history, for its patient, its doctor and admins."""
        found = service.appointment(identity(), id)
        return Reply(with_history(found), headers=etag(found["version"]))

    @api.post(
        "/appointments/<id>/reschedule",
        access=(PATIENT, DOCTOR),
        returns=Appointment,
        errors=[
            *CHANGE_ERRORS,
            errors.DoctorNotFound,
            errors.DoctorNotAccepting,
            errors.SlotUnavailable,
            errors.SlotTaken,
            errors.PatientBusy,
            *ONCE_ERRORS,
        ],
        headers=ONCE_HEADERS,
        message="The appointment is moved.",
    )
    def reschedule(id: AppointmentId, body: RescheduleBody) -> Reply:
        """Move an appointment in place, for its patient or doctor; if the new time fails, the old one stands."""
        who, expected = identity(), expected_version()
        return once(
            requests,
            Action.RESCHEDULE,
            lambda session: service.reschedule(who, id, body.start, body.reason, expected, session),
        )

    @api.post(
        "/appointments/<id>/cancel",
        access=SELF,
        returns=Appointment,
        errors=[*CHANGE_ERRORS, errors.TooLateToCancel],
        headers=[ETAG],
        message="The appointment is cancelled.",
    )
    def cancel(id: AppointmentId, body: ReasonBody) -> Reply:
        """Cancel an appointment; a patient, no later than the doctor's notice before its start."""
        return reply(service.change(identity(), id, Action.CANCEL, body.reason, expected_version()))

    return api


def _after(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    start, identifier = decode_cursor(cursor, (datetime, str))
    return start, identifier
