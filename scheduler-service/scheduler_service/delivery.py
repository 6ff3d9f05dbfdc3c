"""The sending of mail: claim what is due, ask what it needs, hand it over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from traceback import extract_tb

import structlog

from chassis import causes, context
from chassis.clock import new_id
from chassis.errors import AppError, ServiceUnavailable
from chassis.mongo import Document
from chassis.rpc import RpcClient
from scheduler_service import letters, metrics
from scheduler_service.domain import (
    CARRIES_TOKEN,
    MOST_ATTEMPTS,
    PAUSE_OF_WHO_ASKED,
    PAUSE_WHILE_AWAY,
    MailStatus,
    Template,
    pause_after,
)
from scheduler_service.errors import MailRefused, MailServerAway, MailUnwanted, ServiceAway
from scheduler_service.inquiry import Inquiry
from scheduler_service.smtp import MailServer, Session
from scheduler_service.store import Mails

log = structlog.get_logger(__name__)

_MOST_PER_RUN = 500

LONGEST_RUN = timedelta(seconds=10)
"""After this a run takes no further mail: one worker does all the jobs, and a held slot must not wait for letters."""


@dataclass(frozen=True, slots=True)
class _Round:
    session: Session
    inquiry: Inquiry


class Delivery:
    """Sends the mail that is due. Address, name and token are asked for each mail as it is sent, and kept nowhere; what
    became of its appointment, too.
    """

    def __init__(
        self,
        *,
        mails: Mails,
        rpc: RpcClient,
        server: MailServer | None,
        sender: str,
        public_url: str | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._mails = mails
        self._rpc = rpc
        self._server = server
        self._sender = sender
        self._public_url = public_url
        self._now = clock

    def deliver(self, still_working: Callable[[], bool]) -> dict[str, int | str]:
        """Send what is due, up to 500 mails or ten seconds: how many became what.

        One that can't be sent stops no other. Ends early while the mail server or user-service is away. While
        auth-service is, mails that carry a token wait, and while appointment-service is, those about an appointment.
        None of that is counted against a mail.
        """
        if self._server is None:
            return {"reason": "SMTP_URL is not set: mail waits"}
        counts: dict[str, int | str] = {}
        with self._server.session() as session:
            this_round = _Round(session, Inquiry(self._rpc, self._now))
            away: list[str] = []
            until = self._now() + LONGEST_RUN
            for _ in range(_MOST_PER_RUN):
                if self._now() >= until:
                    break
                mail = self._mails.claim_due(new_id(), self._now())
                if mail is None:
                    break
                try:
                    with causes.taken_up(mail.get("cause", {}), f"mail {mail['template']}"):
                        outcome = self._deliver(mail, this_round).value.lower()
                except ServiceAway as error:
                    self._wait(mail, PAUSE_OF_WHO_ASKED if error.asked else PAUSE_WHILE_AWAY)
                    if error.asked:
                        log.warning("mails wait", away=error.service)
                        away.append(f"{error.service} is away")
                        counts["reason"] = ", ".join(away)
                except (MailServerAway, ServiceUnavailable) as error:
                    self._wait(mail, PAUSE_WHILE_AWAY)
                    log.warning("mail waits", reason=repr(error))
                    away.append(f"{'the mail server' if isinstance(error, MailServerAway) else 'user-service'} is away")
                    return {**counts, "reason": ", ".join(away)}
                else:
                    metrics.MAILS.labels(mail["template"], outcome).inc()
                    counts[outcome] = int(counts.get(outcome, 0)) + 1
                if not still_working():
                    break
        return counts

    # steps

    def _deliver(self, mail: Document, this_round: _Round) -> MailStatus:
        """What became of a mail. Raises MailServerAway, ServiceUnavailable or ServiceAway: not the mail's fault."""
        try:
            self._compose_and_send(mail, this_round)
        except (MailServerAway, ServiceUnavailable, ServiceAway):
            raise
        except MailUnwanted as error:
            log.info("mail dropped", template=mail["template"], reason=str(error))
            self._mails.end(mail, MailStatus.DROPPED, self._now(), str(error))
            return MailStatus.DROPPED
        except AppError as error:
            return self._refused(mail, error.code)
        except MailRefused as error:
            return self._refused(mail, str(error))
        except Exception as error:
            # A mail that can't be written (an address that is none) is one mail's trouble, not that of the others.
            # The error's text is not logged: it may repeat an address or a token.
            where = [f"{at.name}:{at.lineno}" for at in extract_tb(error.__traceback__)]
            log.error("mail could not be made", template=mail["template"], error=type(error).__name__, where=where)
            return self._refused(mail, type(error).__name__)
        self._mails.sent(mail, self._now())
        return MailStatus.SENT

    def _compose_and_send(self, mail: Document, this_round: _Round) -> None:
        if (expires := mail.get("expiresAt")) and expires <= self._now():
            raise MailUnwanted("it is too late")
        inquiry = this_round.inquiry
        calendar_file = None
        if "appointmentId" in mail:
            appointment = inquiry.appointment(mail)
            calendar_file = appointment["ics"] if mail["template"] != Template.REVIEW else None
        contact = inquiry.contact(mail)
        facts = {
            **mail["facts"],
            "appointmentId": mail.get("appointmentId"),
            "readerTimezone": contact["timezone"],
            "publicUrl": self._public_url,
        }
        if mail["template"] in CARRIES_TOKEN:
            facts |= inquiry.token(mail)
        message = letters.message(
            mail["_id"],
            letters.compose(mail["template"], facts, contact["name"]),
            sender=self._sender,
            recipient=contact["email"],
            name=contact["name"],
            now=self._now(),
            request_id=context.request_id(),
            calendar_file=calendar_file,
        )
        this_round.session.send(message, contact["email"])
        log.info("mail sent", template=mail["template"], message_id=message["Message-ID"])

    def _refused(self, mail: Document, reason: str) -> MailStatus:
        if mail["attempts"] >= MOST_ATTEMPTS:
            self._mails.end(mail, MailStatus.FAILED, self._now(), reason)
            return MailStatus.FAILED
        self._mails.put_off(mail, self._now() + pause_after(mail["attempts"]), reason, counted=True)
        return MailStatus.PENDING

    def _wait(self, mail: Document, pause: timedelta) -> None:
        self._mails.put_off(mail, self._now() + pause, None, counted=False)
