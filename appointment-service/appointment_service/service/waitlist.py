"""The waitlist: who waits for a doctor's time, and the slots that are held for them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from pymongo.client_session import ClientSession

from appointment_service.store import AppointmentStore, CalendarStore, WaitlistStore
from chassis.mongo import Database


class Freed(NamedTuple):
    """A doctor's time that something gave back, [start, end)."""

    doctor_id: str
    start: datetime
    end: datetime


class Waitlist:
    """Who waits for a doctor's time, and the slots that are held for them."""

    def __init__(
        self,
        database: Database,
        *,
        waitlist: WaitlistStore,
        appointments: AppointmentStore,
        calendars: CalendarStore,
        clock: Callable[[], datetime],
        offer_seconds: int,
        require_verified_email: bool,
    ) -> None:
        self._database = database
        self._waitlist = waitlist
        self._appointments = appointments
        self._calendars = calendars
        self._now = clock

    def awaited(self, doctor_id: str) -> bool:
        """Whether somebody waits for this doctor, so that what frees time has to look who is first in line."""
        return False

    def hold(self, freed: Sequence[Freed], session: ClientSession) -> None:
        """Hold what of the freed time can be booked for the first in line, in the transaction that frees it."""

    def erase(self, user_id: str, session: ClientSession) -> None:
        """Forget a person, as patient and as doctor."""

    def close(self, user_id: str, session: ClientSession) -> None:
        """Take a person whose account is closed, as patient or doctor, out of every line."""

    def expire(self, limit: int) -> dict[str, int]:
        """Pass on up to ``limit`` offers that have expired: how many."""
        return {}
