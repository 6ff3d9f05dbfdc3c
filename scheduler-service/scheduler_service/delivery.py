"""The sending of mail: claim what is due, ask what it needs, hand it over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from traceback import extract_tb
from typing import Any

import structlog

from chassis.clock import new_id
from chassis.errors import AppError, ServiceUnavailable
from chassis.mongo import Document
from chassis.rpc import RpcClient
from scheduler_service import letters
from scheduler_service.domain import (
    CARRIES_TOKEN,
    MOST_ATTEMPTS,
    NEWCOMER,
    PAUSE_WHILE_AWAY,
    MailStatus,
    is_for,
    pause_after,
)
from scheduler_service.errors import MailRefused, MailServerAway, MailUnwanted, TokensAway
from scheduler_service.smtp import MailServer, Session
from scheduler_service.store import Mails

log = structlog.get_logger(__name__)

_MOST_PER_RUN = 500
_CONTACT_SECONDS = 5.0
_TOKEN_SECONDS = 5.0


@dataclass
class _Round:
    session: Session
    # once is enough to find out: each call waits for seconds
    tokens_away: bool = False


class Delivery:
    """Sends the mail that is due. Address, name and token are asked for each mail as it is sent, and kept nowhere."""

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

    def deliver(self, still_working: Callable[[], None]) -> dict[str, int | str]:
        """Send what is due, up to 500 mails: how many became what. One that can't be sent stops no other.

        Ends early while the mail server or user-service is away; while auth-service is, mails that carry a token wait.
        None of that is counted against a mail.
        """
        if self._server is None:
            return {"reason": "SMTP_URL is not set: mail waits"}
        counts: dict[str, int | str] = {}
        with self._server.session() as session:
            this_round = _Round(session)
            for _ in range(_MOST_PER_RUN):
                mail = self._mails.claim_due(new_id(), self._now())
                if mail is None:
                    break
                try:
                    outcome = self._deliver(mail, this_round).value.lower()
                except TokensAway:
                    self._wait(mail)
                    counts["reason"] = "auth-service is away"
                except (MailServerAway, ServiceUnavailable) as error:
                    self._wait(mail)
                    log.warning("mail waits", reason=repr(error))
                    away = "the mail server" if isinstance(error, MailServerAway) else "user-service"
                    return {**counts, "reason": f"{away} is away"}
                else:
                    counts[outcome] = int(counts.get(outcome, 0)) + 1
                still_working()
        return counts

    # steps

    def _deliver(self, mail: Document, this_round: _Round) -> MailStatus:
        """What became of a mail. Raises MailServerAway, ServiceUnavailable or TokensAway: not the mail's fault."""
        try:
            contact = self._contact(mail)
            facts = {**mail["facts"], **self._more_facts(mail, contact, this_round)}
            self._send(mail, facts, contact, this_round.session)
        except (MailServerAway, ServiceUnavailable, TokensAway):
            raise
        except MailUnwanted as error:
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

    def _contact(self, mail: Document) -> dict[str, Any]:
        """Whom to write to. Raises MailUnwanted where nobody is, or nobody who should have this."""
        try:
            contact: dict[str, Any] = self._rpc.call(
                "user-service", "contact", timeout=_CONTACT_SECONDS, user_id=mail["userId"]
            )
        except AppError as error:
            if error.status == 404 and self._now() - mail["createdAt"] > NEWCOMER:
                raise MailUnwanted("nobody has this id") from None
            raise
        if not is_for(mail["template"], contact["status"]):
            raise MailUnwanted("the account is closed")
        return contact

    def _more_facts(self, mail: Document, contact: dict[str, Any], this_round: _Round) -> letters.Facts:
        """What is known as the mail is sent only. Raises MailUnwanted where its token works no more, TokensAway."""
        facts = {"readerTimezone": contact["timezone"], "publicUrl": self._public_url}
        if mail["template"] not in CARRIES_TOKEN:
            return facts
        answer = self._one_time_token(mail["facts"]["requestId"], this_round)
        until = datetime.fromisoformat(answer["expiresAt"])
        if until <= self._now():
            raise MailUnwanted("its token has expired")
        return {**facts, "token": answer["token"], "until": until}

    def _one_time_token(self, request_id: str, this_round: _Round) -> dict[str, str]:
        if this_round.tokens_away:
            raise TokensAway
        try:
            answer: dict[str, str] = self._rpc.call(
                "auth-service", "one_time_token", timeout=_TOKEN_SECONDS, token_request_id=request_id
            )
        except ServiceUnavailable:
            this_round.tokens_away = True
            log.warning("mails with tokens wait")
            raise TokensAway from None
        except AppError as error:
            if error.status == 404:
                raise MailUnwanted("its token works no more") from None
            raise
        return answer

    def _send(self, mail: Document, facts: letters.Facts, contact: dict[str, Any], session: Session) -> None:
        letter = letters.compose(mail["template"], facts, contact["name"])
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

    def _wait(self, mail: Document) -> None:
        self._mails.put_off(mail, self._now() + PAUSE_WHILE_AWAY, None, counted=False)
