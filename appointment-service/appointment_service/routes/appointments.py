"""Appointments: booking them, and what becomes of them."""

from datetime import datetime

from appointment_service import errors
from appointment_service.routes.rendering import appointment as rendered
from appointment_service.routes.rendering import reply, with_history
from appointment_service.schemas.appointments import (
    Appointment,
    Appointments,
    AppointmentsQuery,
    AppointmentWithHistory,
    BookBody,
    CancelBody,
)
from appointment_service.service import AppointmentService, Requests
from chassis.api import DOCTOR, PATIENT, SELF, Api, Reply, etag, expected_version, identity
from chassis.errors import NotFound, VersionMismatch
from chassis.mongo import Document
from chassis.paging import decode_cursor, page


def routes(service: AppointmentService, requests: Requests) -> Api:
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
        ],
        message="Your appointment is booked.",
    )
    def book(body: BookBody) -> Reply:
        """Book one of a doctor's slots."""
        return reply(service.book(identity(), body.doctor_id, body.start, body.reason))

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

    @api.get("/appointments/<id>", access=SELF, returns=AppointmentWithHistory, errors=[NotFound])
    def appointment(id: str) -> Reply:
        """An appointment with its history, for its patient, its doctor and admins."""
        found = service.appointment(identity(), id)
        return Reply(with_history(found), headers=etag(found["version"]))

    @api.post(
        "/appointments/<id>/cancel",
        access=SELF,
        returns=Appointment,
        errors=[NotFound, errors.InvalidTransition, errors.TooLateToCancel, VersionMismatch],
        message="The appointment is cancelled.",
    )
    def cancel(id: str, body: CancelBody) -> Reply:
        """Cancel an appointment; a patient, no later than the doctor's notice before its start."""
        return reply(service.cancel(identity(), id, body.reason, expected_version()))

    @api.post(
        "/appointments/<id>/complete",
        access=DOCTOR,
        returns=Appointment,
        errors=[NotFound, errors.InvalidTransition, VersionMismatch],
        message="The appointment is completed.",
    )
    def complete(id: str) -> Reply:
        """Say that the appointment took place; for its doctor."""
        return reply(service.complete(identity(), id, expected_version()))

    return api


def _after(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    start, identifier = decode_cursor(cursor, (datetime, str))
    return start, identifier
