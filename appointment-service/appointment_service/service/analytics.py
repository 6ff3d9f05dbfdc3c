"""Analytics: what the appointments add up to, against the time that was offered."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from pymongo.client_session import ClientSession

from appointment_service import events
from appointment_service.domain.analytics import MOST_DAYS, USUAL_DAYS, Group, Tally
from appointment_service.domain.calendar import Calendar
from appointment_service.domain.slots import offered_minutes
from appointment_service.service.standing import is_listed
from appointment_service.store import AnalyticsStore, CalendarStore
from appointment_service.store.analytics import between
from chassis.mongo import Database, Document
from chassis.schemas import invalid

_DAY = timedelta(days=1)


class Analytics:
    """What the appointments add up to, against the time that was offered.

    What a doctor offers on a date is noted while the date is to come, and stays as it was once it is past: the
    calendar of today cannot tell what was offered then (ADR 0019).
    """

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

    # what somebody asks

    def figures(
        self,
        first: date | None,
        last: date | None,
        group: Group,
        *,
        doctor_id: str | None = None,
        specialty: str | None = None,
        after: str | None = None,
    ) -> Document:
        """{from, to, groupBy, totals, items: [{key, ...figures}]}, items ascending by key, beyond the key ``after``.

        Dates are those of the appointments' doctors; without them it is the 30 days up to today (UTC). A key of None
        is of those who were erased, or have no specialty, and comes first. Raises ValidationFailed for no days, or
        more than 366.
        """
        last = last or self._now().date()
        first = first or date.fromordinal(max(last.toordinal() - USUAL_DAYS + 1, date.min.toordinal()))
        if last < first:
            raise invalid("to", "must not be before from")
        if (last - first).days >= MOST_DAYS:
            raise invalid("to", f"must be at most {MOST_DAYS} days, from and to included")
        where = between(first.isoformat(), last.isoformat(), doctor_id, specialty)
        tallies: defaultdict[str | None, Tally] = defaultdict(Tally)
        for row in self._analytics.appointments(where, group):
            tallies[row["key"]].add(row["status"], row["count"], row["minutes"])
        for row in self._analytics.offered(where, group):
            tallies[row["key"]].offered_minutes += row["minutes"]
        # text in Python's order; None before all text
        keys = sorted(tallies, key=lambda key: key or "")
        return {
            "from": first,
            "to": last,
            "groupBy": group,
            "totals": Tally.sum(tallies.values()).figures(),
            "items": [{"key": key, **tallies[key].figures()} for key in keys if after is None or (key or "") > after],
        }

    # what changes what is offered

    def doctor_updated(self, event: events.DoctorUpdated, session: ClientSession) -> None:
        """Note anew what the doctor offers from today on; the doctor's calendar is stored already."""
        self.account_changed(event.doctor_id, session)

    def account_changed(self, user_id: str, session: ClientSession) -> None:
        """Note anew what the user, if a doctor, offers from today on; what is held of them is stored already."""
        held = self._calendars.calendar(user_id, session)
        # a patient has neither
        if held and (held.get("calendar") or "capacityThrough" in held):
            self._note(held, session, anew=True)

    def extend(self, limit: int) -> dict[str, int]:
        """Note what up to ``limit`` doctors offer on the days that have come within their horizon: {"extended": n}."""
        now = self._now()
        due = self._analytics.due(now, limit)
        return {"extended": sum(self._database.transact(partial(self._extended, each, now)) for each in due)}

    def erase(self, user_id: str, session: ClientSession) -> None:
        """Forget a doctor: nothing is offered from today on, and of what was, dates and minutes are left."""
        held = self._calendars.calendar(user_id, session) or {}
        self._analytics.note(user_id, self._today(_calendar(held)).isoformat(), {}, None, session)
        self._analytics.anonymise(user_id, session)

    # steps

    def _extended(self, doctor_id: str, now: datetime, session: ClientSession) -> int:
        held = self._calendars.calendar(doctor_id, session)
        # another may have been faster
        if held is None or held.get("capacityAt") is None or held["capacityAt"] > now:
            return 0
        self._note(held, session, anew=False)
        return 1

    def _note(self, held: Document, session: ClientSession, *, anew: bool) -> None:
        """Note what is offered, from today on if ``anew``, else from where it is not noted yet.

        That may lie before today, if nobody has noted anything for longer than the horizon.
        """
        calendar = _calendar(held)
        today = self._today(calendar)
        minutes: dict[str, int] = {}
        first, through, again_at = today, None, None
        if calendar and is_listed(held) and held["accepting"]:
            if not anew and "capacityThrough" in held:
                first = date.fromisoformat(held["capacityThrough"]) + _DAY
            last = today + timedelta(days=min(calendar.horizon_days, MOST_DAYS))
            days = [first + number * _DAY for number in range((last - first).days + 1)]
            minutes = {day.isoformat(): number for day in days if (number := offered_minutes(calendar, day))}
            through = last.isoformat()
            again_at = datetime.combine(today + _DAY, time(), calendar.zone).astimezone(UTC)
        self._analytics.note(held["_id"], first.isoformat(), minutes, held.get("specialty"), session)
        self._analytics.noted(held["_id"], through, again_at, session)

    def _today(self, calendar: Calendar | None) -> date:
        return self._now().astimezone(calendar.zone if calendar else UTC).date()


def _calendar(held: Document) -> Calendar | None:
    return Calendar.from_dict(held["calendar"]) if held.get("calendar") else None
