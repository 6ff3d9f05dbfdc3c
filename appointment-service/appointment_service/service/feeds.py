"""Calendar feeds: a person's appointments at a secret address."""

from collections.abc import Callable
from datetime import datetime

from pymongo.client_session import ClientSession

from appointment_service.store import AppointmentStore, CalendarStore, FeedStore
from chassis.mongo import Database


class Feeds:
    """Each person's secret address, and what is found there."""

    def __init__(
        self,
        database: Database,
        *,
        feeds: FeedStore,
        appointments: AppointmentStore,
        calendars: CalendarStore,
        clock: Callable[[], datetime],
        public_url: str | None,
    ) -> None:
        self._database = database
        self._feeds = feeds
        self._appointments = appointments
        self._calendars = calendars
        self._now = clock
        self._public_url = public_url

    def erase(self, user_id: str, session: ClientSession) -> None:
        """Forget a person's address."""
