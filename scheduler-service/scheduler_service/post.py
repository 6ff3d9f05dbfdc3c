"""The use cases of mail: who is told what, and the sending of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from pymongo.client_session import ClientSession

from chassis.clock import new_id
from chassis.errors import AppError, ServiceUnavailable
from chassis.mongo import Document
from chassis.rpc import RpcClient
from chassis.tombstones import Tombstones
from scheduler_service import events, letters
from scheduler_service.domain import (
    MOST_ATTEMPTS,
    NEWCOMER,
    PAUSE_WHILE_AWAY,
    MailStatus,
    Template,
    pause_after,
)
from scheduler_service.errors import MailRefused, MailServerAway
from scheduler_service.smtp import MailServer, Session
from scheduler_service.store import Mails

log = structlog.get_logger(__name__)

_MOST_PER_RUN = 500
_CONTACT_SECONDS = 5.0


class Post:
    """Outgoing mail. A mail holds the person's id and the facts; address and name are asked as it is sent."""

    def __init__(
        self,
        *,
        mails: Mails,
        tombstones: Tombstones,
        rpc: RpcClient,
        server: MailServer | None,
        sender: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._mails = mails
        self._tombstones = tombstones
        self._rpc = rpc
        self._server = server
        self._sender = sender
        self._now = clock

    # what others announce

    def user_registered(self, event: events.UserRegistered, session: ClientSession) -> None:
        self._add(f"user-registered:{event.user_id}", event.user_id, Template.WELCOME, {}, session)

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

    # sending

    def deliver(self, still_working: Callable[[], None]) -> dict[str, int | str]:
        """Send what is due, up to 500 mails: how many became what. One that can't be sent stops no other.

        Ends early while the mail server or user-service is away; that is counted against no mail.
        """
        if self._server is None:
            return {"reason": "SMTP_URL is not set: mail waits"}
        counts: dict[str, int | str] = {}
        with self._server.session() as session:
            for _ in range(_MOST_PER_RUN):
                mail = self._mails.claim_due(new_id(), self._now())
                if mail is None:
                    break
                try:
                    outcome = self._deliver(mail, session).value.lower()
                except (MailServerAway, ServiceUnavailable) as error:
                    self._mails.put_off(mail, self._now() + PAUSE_WHILE_AWAY, None, counted=False)
                    log.warning("mail waits", reason=repr(error))
                    away = "the mail server" if isinstance(error, MailServerAway) else "user-service"
                    return {**counts, "reason": f"{away} is away"}
                counts[outcome] = int(counts.get(outcome, 0)) + 1
                still_working()
        return counts

    # steps

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

    def _deliver(self, mail: Document, session: Session) -> MailStatus:
        """What became of a mail. Raises MailServerAway or ServiceUnavailable, where it is not the mail's fault."""
        try:
            contact = self._rpc.call("user-service", "contact", timeout=_CONTACT_SECONDS, user_id=mail["userId"])
            self._send(mail, contact, session)
        except (MailServerAway, ServiceUnavailable):
            raise
        except AppError as error:
            if error.status == 404 and self._now() - mail["createdAt"] > NEWCOMER:
                self._mails.end(mail, MailStatus.DROPPED, self._now(), "nobody has this id")
                return MailStatus.DROPPED
            return self._refused(mail, error.code)
        except MailRefused as error:
            return self._refused(mail, str(error))
        except Exception as error:
            # a mail that can't be written (an address that is none) is one mail's trouble, not that of the others
            log.exception("mail could not be made", template=mail["template"])
            return self._refused(mail, type(error).__name__)
        self._mails.sent(mail, self._now())
        return MailStatus.SENT

    def _send(self, mail: Document, contact: dict[str, Any], session: Session) -> None:
        letter = letters.compose(mail["template"], mail["facts"], contact["name"])
        message = letters.message(
            mail["_id"],
            letter,
            sender=self._sender,
            recipient=contact["email"],
            name=contact["name"],
            now=self._now(),
        )
        session.send(message, contact["email"])

    def _refused(self, mail: Document, reason: str) -> MailStatus:
        if mail["attempts"] >= MOST_ATTEMPTS:
            self._mails.end(mail, MailStatus.FAILED, self._now(), reason)
            return MailStatus.FAILED
        self._mails.put_off(mail, self._now() + pause_after(mail["attempts"]), reason, counted=True)
        return MailStatus.PENDING
