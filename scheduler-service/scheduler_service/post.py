"""Outgoing mail: one per person and change."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession

from chassis import causes
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
        self.add(f"user-registered:{event.user_id}", event.user_id, Template.WELCOME, {}, session)

    def email_verification_requested(self, event: events.TokenRequested, session: ClientSession) -> None:
        self._send_token(event, Template.VERIFY, session)

    def password_reset_requested(self, event: events.TokenRequested, session: ClientSession) -> None:
        self._send_token(event, Template.RESET, session)

    def password_changed(self, event: events.PasswordChanged, session: ClientSession) -> None:
        key = f"{Template.PASSWORD_CHANGED}:{event.user_id}:{instant_text(event.changed_at)}"
        facts = {"changedAt": event.changed_at, "by": event.by}
        self.add(key, event.user_id, Template.PASSWORD_CHANGED, facts, session)

    def waitlist_offered(self, event: events.WaitlistOffered, session: ClientSession) -> None:
        key = f"{Template.OFFERED}:{event.entry_id}:{event.version}"
        facts = {"start": event.start, "timezone": event.timezone, "heldUntil": event.expires_at}
        self.add(key, event.patient_id, Template.OFFERED, facts, session, {"expiresAt": event.expires_at})

    def add(
        self,
        mail_id: str,
        user_id: str,
        template: Template,
        facts: Document,
        session: ClientSession,
        about: Document | None = None,
    ) -> None:
        """Add a mail that is due at once, unless one of this id is there or the person was erased.

        ``about``: its ``appointmentId`` and ``version``, and ``expiresAt``, after which it is of no use.
        """
        if self.live([user_id], session):
            self._mails.add([self.mail(mail_id, user_id, template, facts, about)], session)

    def mail(
        self, mail_id: str, user_id: str, template: Template, facts: Document, about: Document | None = None
    ) -> Document:
        """A mail that is due at once, as it is kept."""
        now = self._now()
        return {
            "_id": mail_id,
            "userId": user_id,
            "template": template,
            "facts": facts,
            "status": MailStatus.PENDING,
            "attempts": 0,
            "cause": causes.present(),
            "createdAt": now,
            "nextAttemptAt": now,
            **(about or {}),
        }

    def live(self, people: Iterable[str], session: ClientSession) -> set[str]:
        """Those of them who were not erased, nor can be until this transaction has committed."""
        return self._tombstones.live(people, session)

    def erase_person(self, user_id: str, session: ClientSession) -> None:
        self._mails.erase_person(user_id, session)

    def export_person(self, user_id: str) -> list[dict[str, Any]]:
        """What a person was told, or will be: oldest first."""
        shown = ("template", "status", "createdAt", "sentAt", "appointmentId", "facts")
        return [told({key: mail.get(key) for key in shown}) for mail in self._mails.of_person(user_id)]

    def _send_token(self, event: events.TokenRequested, template: Template, session: ClientSession) -> None:
        # the token itself is asked for as the mail is sent, and never stored
        self.add(f"{template}:{event.request_id}", event.user_id, template, {"requestId": event.request_id}, session)
