"""Slots that can be booked, and booking one."""

from collections.abc import Callable
from datetime import UTC, date, datetime

from pymongo.client_session import ClientSession

from appointment_service import errors
from appointment_service.domain.appointment import Action
from appointment_service.domain.calendar import Calendar
from appointment_service.domain.slots import free, offered, slot_at
from appointment_service.service.changes import made
from appointment_service.service.standing import listed, require_open, require_verified
from appointment_service.store import AppointmentStore, CalendarStore
from chassis.clock import new_id
from chassis.identity import Identity
from chassis.mongo import Document
from chassis.schemas import invalid

_MOST_DAYS = 31
_USUAL_DAYS = 7


class Booking:
    """Slots that can be booked, and booking one."""

    def __init__(
        self,
        *,
        appointments: AppointmentStore,
        calendars: CalendarStore,
        clock: Callable[[], datetime],
        require_verified_email: bool,
    ) -> None:
        self._appointments = appointments
        self._calendars = calendars
        self._now = clock
        self._require_verified_email = require_verified_email

    def slots(self, doctor_id: str, first: date | None, last: date | None) -> Document:
        """What could be booked of the doctor now, from ``first`` (else today) to ``last`` (else six days later).

        Dates are the doctor's. Raises DoctorNotFound; ValidationFailed for no days, or more than 31.
        """
        now = self._now()
        doctor = listed(self._calendars.calendar(doctor_id))
        calendar = Calendar.from_dict(doctor["calendar"]) if doctor["calendar"] else None
        first = first or now.astimezone(calendar.zone if calendar else UTC).date()
        last = last or date.fromordinal(min(first.toordinal() + _USUAL_DAYS - 1, date.max.toordinal()))
        if last < first:
            raise invalid("to", "must not be before from")
        if (last - first).days >= _MOST_DAYS:
            raise invalid("to", f"must be at most {_MOST_DAYS} days, from and to included")
        found = offered(calendar, first, last, now) if calendar and doctor["accepting"] else []
        if found:
            taken = self._appointments.taken(doctor_id, found[0].start, found[-1].end)
            found = list(free(found, ((held["start"], held["end"]) for held in taken)))
        return {
            "doctorId": doctor_id,
            "timezone": calendar.timezone if calendar else None,
            "slotMinutes": calendar.slot_minutes if calendar else None,
            "items": [{"start": slot.start, "end": slot.end} for slot in found],
        }

    def book(
        self,
        who: Identity,
        doctor_id: str,
        start: datetime,
        reason: str | None,
        session: ClientSession | None = None,
    ) -> Document:
        """Book a slot, or ask for it where the doctor decides first.

        What is free is left to the database: the claims of two bookings never overlap. Raises DoctorNotFound,
        DoctorNotAccepting, SlotUnavailable, SlotTaken, PatientBusy; EmailNotVerified where that is required;
        TokenInvalid for a patient whose account is closed while the token is still out.
        """
        now, patient_id = self._now(), who.user_id
        known = self._calendars.calendars([doctor_id, patient_id])
        patient = known.get(patient_id)
        require_open(patient)
        if self._require_verified_email:
            require_verified(who, patient)
        doctor = listed(known.get(doctor_id))
        if not doctor["accepting"]:
            raise errors.DoctorNotAccepting
        calendar = Calendar.from_dict(doctor["calendar"]) if doctor["calendar"] else None
        slot = slot_at(calendar, start, now) if calendar else None
        if calendar is None or slot is None:
            raise errors.SlotUnavailable
        appointment = made(new_id(), doctor, patient_id, calendar, slot, action=Action.BOOK, at=now, reason=reason)
        self._appointments.add(appointment, session)
        return appointment
