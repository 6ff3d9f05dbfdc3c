"""What becomes of appointments and calendars as people come, go and are erased, and what is held about them."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from pymongo.client_session import ClientSession

from appointment_service import events
from appointment_service.domain.appointment import Action, Actor, Status
from appointment_service.service.changes import transition
from appointment_service.service.deciding import decided
from appointment_service.service.waitlist import Freed, Waitlist
from appointment_service.store import AppointmentStore, CalendarStore
from chassis.mongo import Database, Document
from chassis.tombstones import Tombstones, receipt

SETTLED_AFTER = timedelta(minutes=1)
"""After this a booking that was under way has come or failed: what it reads and what it writes take 10 s each."""

_SUSPENDED = "SUSPENDED"


class Forgetful(Protocol):
    """Whatever else here holds something about people."""

    def erase(self, user_id: str, session: ClientSession) -> None:
        """Forget a person."""


class People:
    """Doctors and patients, as other services tell of them.

    A booking is one insert without a transaction (ADR 0001), so one that had read that all is well can commit just
    after its doctor's or patient's appointments were cancelled. Whatever cancels them leaves a note to look again.
    """

    def __init__(
        self,
        database: Database,
        *,
        appointments: AppointmentStore,
        calendars: CalendarStore,
        waitlist: Waitlist,
        forgetful: Sequence[Forgetful],
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._appointments = appointments
        self._calendars = calendars
        self._waitlist = waitlist
        self._forgetful = forgetful
        self._tombstones = Tombstones(database)
        self._now = clock

    # what others announce

    def doctor_updated(self, event: events.DoctorUpdated, session: ClientSession) -> bool:
        """Take over what is told of a doctor; False if something newer is held, or the doctor was erased."""
        if self._tombstones.holds(event.doctor_id, session):
            return False
        facts = event.model_dump(by_alias=True, exclude={"doctor_id", "version"})
        newer = self._calendars.put_calendar(event.doctor_id, event.version, facts, session)
        if newer and event.moderation_status == _SUSPENDED:
            self._cancel_future(event.doctor_id, session)
        return newer

    def email_verified(self, event: events.EmailVerified, session: ClientSession) -> None:
        if not self._tombstones.holds(event.user_id, session):
            self._calendars.put_email_verified(event.user_id, session)

    def user_deactivated(self, event: events.UserStatus, session: ClientSession) -> None:
        # an old event must not cancel what was booked after a recovery
        if self._put_account(event, False, session):
            self._cancel_future(event.user_id, session)

    def user_suspended(self, event: events.UserStatus, session: ClientSession) -> None:
        if not self._put_account(event, False, session):
            return
        if event.role == Actor.DOCTOR:
            self._cancel_future(event.user_id, session)
        else:
            # a patient's appointments stand: the suspension may be lifted before they come
            self._waitlist.close(event.user_id, session)

    def account_opened(self, event: events.UserStatus, session: ClientSession) -> None:
        """Recovered or reinstated: what was cancelled stays so."""
        self._put_account(event, True, session)

    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        self._anonymise(event.user_id, session)
        self._calendars.erase(event.user_id, event.version, session)
        self._calendars.look_again(event.user_id, self._now() + SETTLED_AFTER, session)
        self._tombstones.bury(event.user_id, receipt(events.SOURCE, event.user_id), session)

    # what time does

    def sweep(self, limit: int) -> dict[str, int]:
        """Cancel what slipped in as up to ``limit`` accounts were closed or erased: {"cancelled": n}."""
        now = self._now()
        due = self._calendars.to_look_at(now, limit)
        return {"cancelled": sum(decided(self._database, partial(self._swept, user_id, now)) for user_id in due)}

    # what the person asks

    def exported(self, user_id: str) -> Iterator[Document]:
        """The person's appointments as patient or doctor, with their history, earliest first, one by one."""
        return self._appointments.all_of(user_id)

    # steps

    def _put_account(self, event: events.UserStatus, active: bool, session: ClientSession) -> bool:
        return not self._tombstones.holds(event.user_id, session) and self._calendars.put_account(
            event.user_id, active, event.version, session
        )

    def _cancel_future(self, user_id: str, session: ClientSession) -> None:
        now = self._now()
        self._waitlist.close(user_id, session)
        self._cancel(user_id, now, session)
        self._calendars.look_again(user_id, now + SETTLED_AFTER, session)

    def _swept(self, user_id: str, now: datetime, session: ClientSession) -> int:
        held = self._calendars.take_note(user_id, now, session)
        if held is None:
            return 0
        if self._tombstones.holds(user_id, session):
            return self._anonymise(user_id, session)
        closed = not held["accountActive"] or held.get("moderationStatus") == _SUSPENDED
        if not closed:
            return 0
        self._waitlist.close(user_id, session)
        return self._cancel(user_id, now, session)

    def _anonymise(self, user_id: str, session: ClientSession) -> int:
        for part in (self._waitlist, *self._forgetful):
            part.erase(user_id, session)
        cancelled = self._cancel(user_id, None, session)
        self._appointments.anonymise(user_id, session)
        return cancelled

    def _cancel(self, user_id: str, since: datetime | None, session: ClientSession) -> int:
        """Cancel what is active and starts after ``since`` (None: all); how many."""
        now = self._now()
        held = self._appointments.active_of(user_id, since, session)
        changes = [transition(item, Action.CANCEL, Status.CANCELLED, now, Actor.SYSTEM) for item in held]
        cancelled = self._appointments.apply_all(changes, session)
        # of a patient; a doctor's own time is not given to others
        freed = [Freed(item["doctorId"], item["start"], item["end"]) for item in held if item["doctorId"] != user_id]
        self._waitlist.hold([one for one in freed if one.end > now], session)
        return cancelled
