"""Reminders: made with the news of an appointment, turned into mail as they are due."""

from collections.abc import Callable, Container, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from pymongo.client_session import ClientSession

from chassis.export import told
from chassis.mongo import Database, Document
from scheduler_service import store
from scheduler_service.domain import Ahead, Template, reminders_ahead
from scheduler_service.events import AppointmentChanged
from scheduler_service.post import Post

_BATCH = 100
_MOST_BATCHES = 50


class Reminders:
    """The patient's reminders of each appointment that is certain, for the version that they were made for."""

    def __init__(
        self,
        before_minutes: Sequence[int],
        *,
        database: Database,
        reminders: store.Reminders,
        post: Post,
        clock: Callable[[], datetime],
    ) -> None:
        self._before_minutes = before_minutes
        self._database = database
        self._reminders = reminders
        self._post = post
        self._now = clock

    def make(self, event: AppointmentChanged, live: Container[str], session: ClientSession) -> None:
        """Make the reminders of an appointment as it is now, in place of those it had: none if one of its two people
        is not ``live`` any more.
        """
        self._reminders.replace(event.appointment_id, self.made(event, live), session)

    def make_again(self, event: AppointmentChanged, live: Container[str], session: ClientSession) -> None:
        """The same for an appointment that had them before: what is due is left to be sent."""
        made = self.made(event, live)
        self._reminders.replace_ahead(event.appointment_id, event.version, made, self._now(), session)

    def ahead(self, start: datetime, since: datetime) -> list[Ahead]:
        """The reminders that an appointment has, those due after ``since``."""
        return reminders_ahead(start, self._before_minutes, since)

    def made(self, event: AppointmentChanged, live: Container[str]) -> list[Document]:
        """The reminders to come of an appointment as it is now."""
        if event.patient_id not in live or event.doctor_id not in live:
            return []
        return [
            {
                "_id": f"{event.appointment_id}:{ahead.minutes}",
                "appointmentId": event.appointment_id,
                "version": event.version,
                "userId": event.patient_id,
                "doctorId": event.doctor_id,
                "minutes": ahead.minutes,
                "start": event.start,
                "timezone": event.timezone,
                "dueAt": ahead.due_at,
                "expiresAt": ahead.expires_at,
            }
            for ahead in reminders_ahead(event.start, self._before_minutes, self._now())
        ]

    def end(self, appointment_id: str, session: ClientSession) -> None:
        """Remind of this appointment no more."""
        self._reminders.replace(appointment_id, [], session)

    def send_due(self, still_working: Callable[[], bool]) -> dict[str, int | str]:
        """Turn the reminders that are due into mail, up to 5,000: how many were ``queued``, and how many ``dropped``
        as of no use any more: the appointment has begun, or the next reminder of it is due too.

        Each in one transaction, so that a crash loses none and two workers double none.
        """
        counts = {"queued": 0, "dropped": 0}
        for _ in range(_MOST_BATCHES):
            due = self._reminders.due(self._now(), _BATCH)
            for reminder in due:
                outcome = self._database.transact(partial(self._send, reminder))
                if outcome:
                    counts[outcome] += 1
            if len(due) < _BATCH or not still_working():
                break
        return {name: count for name, count in counts.items() if count}

    def erase_person(self, user_id: str, session: ClientSession) -> None:
        self._reminders.erase_person(user_id, session)

    def export_person(self, user_id: str) -> list[dict[str, Any]]:
        """Of what a person will be reminded, the next first."""
        shown = ("appointmentId", "start", "timezone", "dueAt")
        return [told({key: item[key] for key in shown}) for item in self._reminders.of_person(user_id)]

    def _send(self, reminder: Document, session: ClientSession) -> str | None:
        """What became of a reminder, None if another worker or newer news was first."""
        if not self._reminders.take(reminder, session):
            return None
        # a consumer of before, which knows no reminders, may have erased one of the two
        people = {reminder["userId"], reminder["doctorId"]}
        if reminder["expiresAt"] <= self._now() or self._post.live(people, session) != people:
            return "dropped"
        self._post.add(
            f"{Template.REMINDER}:{reminder['appointmentId']}:{reminder['version']}:{reminder['minutes']}",
            reminder["userId"],
            Template.REMINDER,
            {"start": reminder["start"], "timezone": reminder["timezone"]},
            session,
            {name: reminder[name] for name in ("appointmentId", "version", "expiresAt")},
        )
        return "queued"
