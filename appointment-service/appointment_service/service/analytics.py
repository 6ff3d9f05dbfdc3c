"""Analytics: what the appointments add up to, against the time that was offered."""

from collections.abc import Callable
from datetime import datetime

from pymongo.client_session import ClientSession

from appointment_service import events
from appointment_service.store import AnalyticsStore, CalendarStore
from chassis.mongo import Database


class Analytics:
    """What the appointments add up to, against the time that was offered."""

    def __init__(
        self,
        database: Database,
        *,
        analytics: AnalyticsStore,
        calendars: CalendarStore,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._analytics = analytics
        self._calendars = calendars
        self._now = clock

    def doctor_updated(self, event: events.DoctorUpdated, session: ClientSession) -> None:
        """Note anew what the doctor offers from today on; the doctor's calendar is stored already."""

    def extend(self, limit: int) -> dict[str, int]:
        """Note what up to ``limit`` doctors offer on the days that have come within their horizon."""
        return {}

    def erase(self, user_id: str, session: ClientSession) -> None:
        """Forget a doctor."""
