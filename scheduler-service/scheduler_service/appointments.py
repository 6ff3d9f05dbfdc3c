"""What the news of an appointment brings about: who is told what, and of what the patient will be reminded."""

from collections.abc import Callable, Container
from datetime import datetime

from pymongo.client_session import ClientSession

from chassis.mongo import Document
from scheduler_service.domain import Template
from scheduler_service.events import AppointmentChanged
from scheduler_service.post import Post
from scheduler_service.reminders import Reminders
from scheduler_service.store import Heard, Mails

_RESERVED = "BOOKED"
"""The status of an appointment that is certain and still to come."""


class Appointments:
    """News older than what was heard of the appointment does nothing: it would only mislead."""

    def __init__(
        self, *, heard: Heard, mails: Mails, post: Post, reminders: Reminders, clock: Callable[[], datetime]
    ) -> None:
        self._heard = heard
        self._mails = mails
        self._post = post
        self._reminders = reminders
        self._now = clock

    def requested(self, event: AppointmentChanged, session: ClientSession) -> None:
        if self._is_news(event, session):
            self._tell(event, Template.REQUESTED, self._live(event, session), session, {"lapsesAt": event.lapses_at})

    def booked(self, event: AppointmentChanged, session: ClientSession) -> None:
        if self._is_news(event, session):
            live = self._live(event, session)
            self._reminders.make(event, live, session)
            self._tell(event, Template.BOOKED, live, session)

    def rescheduled(self, event: AppointmentChanged, session: ClientSession) -> None:
        if not self._is_news(event, session):
            return
        live = self._live(event, session)
        if event.status == _RESERVED:
            self._reminders.make(event, live, session)
        facts = {"previousStart": event.previous_start, "status": event.status}
        self._tell(event, Template.RESCHEDULED, live, session, facts)

    def cancelled(self, event: AppointmentChanged, session: ClientSession) -> None:
        if self._is_news(event, session):
            self._reminders.end(event.appointment_id, session)
            self._tell(event, Template.CANCELLED, self._live(event, session), session, {"cause": event.cause})

    def completed(self, event: AppointmentChanged, session: ClientSession) -> None:
        if self._is_news(event, session):
            self._reminders.end(event.appointment_id, session)
            # one per appointment and not per version: an outcome that is corrected and back again invites nobody twice
            key = f"appointment-completed:{event.appointment_id}:{event.patient_id}"
            facts, about = _facts(event, "patient"), _about(event)
            self._post.add(key, event.patient_id, Template.REVIEW, facts, session, about)

    def begun_or_missed(self, event: AppointmentChanged, session: ClientSession) -> None:
        """The patient has come, or did not: nobody is told, and there is nothing left to remind of."""
        if self._is_news(event, session):
            self._reminders.end(event.appointment_id, session)

    def as_it_is(self, event: AppointmentChanged, session: ClientSession, *, force: bool = False) -> None:
        """Remind of an appointment as it is by now and tell nobody, unless it was heard of before.

        It does not count as heard: the news itself may be on its way, with the mail that it brings about. With
        ``force`` it is done in any case, and what was heard of a later version is not true.
        """
        if force:
            self._heard.lower(event.appointment_id, event.version, self._now(), session)
        elif self._heard.knows(event.appointment_id, event.version, self._now(), session):
            return
        if event.status == _RESERVED:
            self._reminders.make_again(event, self._live(event, session), session)
        else:
            self._reminders.end(event.appointment_id, session)

    # steps

    def _is_news(self, event: AppointmentChanged, session: ClientSession) -> bool:
        # a consumer of before notes nothing, but its mails tell of which version they are
        newest = self._heard.note(event.appointment_id, event.version, self._now(), session)
        return newest and not self._mails.knows_newer(event.appointment_id, event.version, session)

    def _live(self, event: AppointmentChanged, session: ClientSession) -> set[str]:
        """Which of its two people were not erased, nor can be until this transaction has committed."""
        return self._post.live([event.patient_id, event.doctor_id], session)

    def _tell(
        self,
        event: AppointmentChanged,
        template: Template,
        live: Container[str],
        session: ClientSession,
        more: Document | None = None,
    ) -> None:
        """Tell both, as far as they are ``live``."""
        key = f"{template}:{event.appointment_id}:{event.version}"
        mails = []
        for user_id, addressed_as in ((event.patient_id, "patient"), (event.doctor_id, "doctor")):
            if user_id in live:
                facts = {
                    **_facts(event, addressed_as),
                    **(more or {}),
                    **self._known_as(event, template, user_id, session),
                }
                mails.append(self._post.mail(f"{key}:{user_id}", user_id, template, facts, _about(event)))
        self._mails.add(mails, session)

    def _known_as(
        self, event: AppointmentChanged, template: Template, user_id: str, session: ClientSession
    ) -> Document:
        """The time that a person knows the appointment by, where it differs from that of the event.

        The mail of a move that was not sent yet is dropped as overtaken (delivery), so the next one tells of it.
        """
        if template not in (Template.RESCHEDULED, Template.CANCELLED):
            return {}
        move = self._mails.unsent_move(event.appointment_id, user_id, event.version, session)
        return {"previousStart": move["facts"]["previousStart"]} if move else {}


def _facts(event: AppointmentChanged, addressed_as: str) -> Document:
    return {"as": addressed_as, "start": event.start, "timezone": event.timezone, "by": event.by}


def _about(event: AppointmentChanged) -> Document:
    return {"appointmentId": event.appointment_id, "version": event.version}
