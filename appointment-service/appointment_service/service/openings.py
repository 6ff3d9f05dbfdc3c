"""Openings: each doctor's next free slot, kept for the doctor's card."""

from collections.abc import Callable
from datetime import datetime

from pymongo.client_session import ClientSession

from appointment_service import events
from appointment_service.store import AppointmentStore, CalendarStore
from chassis.mongo import Database


class Openings:
    """Each doctor's next free slot: found anew when something changes it, told where it is another."""

    def __init__(
        self,
        database: Database,
        *,
        appointments: AppointmentStore,
        calendars: CalendarStore,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._appointments = appointments
        self._calendars = calendars
        self._now = clock

    def appointment_changed(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        """An appointment took or gave back time."""

    def doctor_updated(self, event: events.DoctorUpdated, session: ClientSession) -> None:
        """The doctor's calendar or standing is another, and stored already."""

    def sweep(self, limit: int) -> dict[str, int]:
        """Look again for up to ``limit`` doctors whose next free slot time has overtaken."""
        return {}
