"""Who is told what: one mail per person and change."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession

from chassis.clock import instant_text
from chassis.export import told
from chassis.mongo import Document
from chassis.tombstones import Tombstones
from scheduler_service import events
from scheduler_service.domain import MailStatus, Template
from scheduler_service.store import Mails


class Post:
    """Outgoing mail. A mail holds the person's id and the facts; the rest is asked as it is sent (delivery)."""

    def __init__(self, *, mails: Mails, tombstones: Tombstones, clock: Callable[[], datetime]) -> None:
        self._mails = mails
        self._tombstones = tombstones
        self._now = clock

    def user_registered(self, event: events.UserRegistered, session: ClientSession) -> None:
        self._add(f"user-registered:{event.user_id}", event.user_id, Template.WELCOME, {}, session)

    def email_verification_requested(self, event: events.TokenRequested, session: ClientSession) -> None:
        self._send_token(event, Template.VERIFY, session)

    def password_reset_requested(self, event: events.TokenRequested, session: ClientSession) -> None:
        self._send_token(event, Template.RESET, session)

    def password_changed(self, event: events.PasswordChanged, session: ClientSession) -> None:
        key = f"{Template.PASSWORD_CHANGED}:{event.user_id}:{instant_text(event.changed_at)}"
        facts = {"changedAt": event.changed_at, "by": event.by}
        self._add(key, event.user_id, Template.PASSWORD_CHANGED, facts, session)

    def appointment_booked(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        self._tell_both(event, Template.BOOKED, session)

    def appointment_cancelled(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        self._tell_both(event, Template.CANCELLED, session)

    def appointment_completed(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        # one per appointment and not per version: an outcome that is corrected and back again invites nobody twice
        key = f"appointment-completed:{event.appointment_id}"
        self._tell(event, key, event.patient_id, "patient", Template.REVIEW, session)

    def erase_person(self, user_id: str, session: ClientSession) -> None:
        self._mails.erase_person(user_id, session)

    def export_person(self, user_id: str) -> list[dict[str, Any]]:
        """What a person was told, or will be: oldest first."""
        shown = ("template", "status", "createdAt", "sentAt", "appointmentId", "facts")
        return [told({key: mail.get(key) for key in shown}) for mail in self._mails.of_person(user_id)]

    # steps

    def _send_token(self, event: events.TokenRequested, template: Template, session: ClientSession) -> None:
        # the token itself is asked for as the mail is sent, and never stored
        self._add(f"{template}:{event.request_id}", event.user_id, template, {"requestId": event.request_id}, session)

    def _tell_both(self, event: events.AppointmentChanged, template: Template, session: ClientSession) -> None:
        key = f"{template}:{event.appointment_id}:{event.version}"
        self._tell(event, key, event.patient_id, "patient", template, session)
        self._tell(event, key, event.doctor_id, "doctor", template, session)

    def _tell(
        self,
        event: events.AppointmentChanged,
        key: str,
        user_id: str,
        addressed_as: str,
        template: Template,
        session: ClientSession,
    ) -> None:
        if self._mails.knows_newer(event.appointment_id, event.version, session):
            # the news of a booking that comes after that of its cancellation would only mislead
            return
        facts = {"as": addressed_as, "start": event.start, "timezone": event.timezone, "by": event.by}
        about = {"appointmentId": event.appointment_id, "version": event.version}
        self._add(f"{key}:{user_id}", user_id, template, facts, session, about)

    def _add(
        self,
        mail_id: str,
        user_id: str,
        template: Template,
        facts: Document,
        session: ClientSession,
        about: Document | None = None,
    ) -> None:
        if not self._tombstones.are_live([user_id], session):
            return
        now = self._now()
        mail = {
            "_id": mail_id,
            "userId": user_id,
            "template": template,
            "facts": facts,
            "status": MailStatus.PENDING,
            "attempts": 0,
            "createdAt": now,
            "nextAttemptAt": now,
            **(about or {}),
        }
        self._mails.add(mail, session)
