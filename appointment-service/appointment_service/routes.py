"""appointment-service's routes: parse, call, render."""

from datetime import datetime

from appointment_service import errors
from appointment_service.schemas import (
    Appointment,
    Appointments,
    AppointmentsQuery,
    AppointmentWithHistory,
    BookBody,
    CancelBody,
    Slots,
    SlotsQuery,
)
from appointment_service.service import AppointmentService
from chassis.api import DOCTOR, PATIENT, PUBLIC, SELF, Api, Reply, etag, expected_version, identity
from chassis.errors import NotFound, VersionMismatch
from chassis.mongo import Document
from chassis.paging import decode_cursor, page

_SHOWN = (
    "doctorId",
    "patientId",
    "start",
    "end",
    "timezone",
    "status",
    "version",
    "reason",
    "createdAt",
    "updatedAt",
)


def routes(service: AppointmentService) -> Api:
    api = Api("appointments")

    @api.get("/doctors/<id>/slots", access=PUBLIC, returns=Slots, errors=[errors.DoctorNotFound])
    def slots(id: str, query: SlotsQuery) -> Document:
        """What could be booked now, for up to 31 days."""
        return service.slots(id, query.first, query.last)

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
        return _reply(service.book(identity(), body.doctor_id, body.start, body.reason))

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
        return page(found, query.limit, lambda item: (item["start"], item["_id"]), _appointment)

    @api.get("/appointments/<id>", access=SELF, returns=AppointmentWithHistory, errors=[NotFound])
    def appointment(id: str) -> Reply:
        """An appointment with its history, for its patient, its doctor and admins."""
        found = service.appointment(identity(), id)
        return Reply(_with_history(found), headers=etag(found["version"]))

    @api.post(
        "/appointments/<id>/cancel",
        access=SELF,
        returns=Appointment,
        errors=[NotFound, errors.InvalidTransition, errors.TooLateToCancel, VersionMismatch],
        message="The appointment is cancelled.",
    )
    def cancel(id: str, body: CancelBody) -> Reply:
        """Cancel an appointment; a patient, no later than the doctor's notice before its start."""
        return _reply(service.cancel(identity(), id, body.reason, expected_version()))

    @api.post(
        "/appointments/<id>/complete",
        access=DOCTOR,
        returns=Appointment,
        errors=[NotFound, errors.InvalidTransition, VersionMismatch],
        message="The appointment is completed.",
    )
    def complete(id: str) -> Reply:
        """Say that the appointment took place; for its doctor."""
        return _reply(service.complete(identity(), id, expected_version()))

    return api


def exported(document: Document, user_id: str) -> Document:
    """An appointment as the export tells one of its two people of it.

    What is written there about the patient is the patient's; to the doctor it tells the doctor's own words only.
    """
    told = _with_history(document)
    if document["patientId"] == user_id:
        return told
    history = [
        entry if entry["by"] == user_id else {key: value for key, value in entry.items() if key != "reason"}
        for entry in told["history"]
    ]
    return {**told, "reason": None, "history": history}


def _reply(appointment: Document) -> Reply:
    return Reply(_appointment(appointment), headers=etag(appointment["version"]))


def _appointment(document: Document) -> Document:
    return {"id": document["_id"], **{key: document[key] for key in _SHOWN}}


def _with_history(document: Document) -> Document:
    return {**_appointment(document), "history": document["history"]}


def _after(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    start, identifier = decode_cursor(cursor, (datetime, str))
    return start, identifier
