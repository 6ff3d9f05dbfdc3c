"""What other services are asked as a mail is sent: its reader, its token, what its appointment is by now."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chassis.errors import AppError, ServiceUnavailable
from chassis.mongo import Document
from chassis.rpc import Question, RpcClient
from scheduler_service import calls
from scheduler_service.domain import NEWCOMER, Template, is_for, is_overtaken
from scheduler_service.errors import MailUnwanted, ServiceAway


class Inquiry:
    """The questions of one round of delivery. Each method raises MailUnwanted for a mail that is not to be sent.

    A service that only some mails need is asked no more in the round once it was found away: each call waits for
    seconds.
    """

    def __init__(self, rpc: RpcClient, clock: Callable[[], datetime]) -> None:
        self._rpc = rpc
        self._now = clock
        self._away: set[str] = set()

    def contact(self, mail: Document) -> dict[str, Any]:
        """Whom to write to: {email, name, timezone, status}. Raises ServiceUnavailable."""
        try:
            contact: dict[str, Any] = calls.CONTACT.ask(self._rpc, user_id=mail["userId"])
        except AppError as error:
            if error.status == 404 and self._now() - mail["createdAt"] > NEWCOMER:
                raise MailUnwanted("nobody has this id") from None
            raise
        if not is_for(mail["template"], contact["status"]):
            raise MailUnwanted("the account is closed")
        return contact

    def token(self, mail: Document) -> dict[str, Any]:
        """The token of a mail that carries one, and ``until`` when it works. Raises ServiceAway."""
        answer = self._ask(
            calls.ONE_TIME_TOKEN,
            "its token works no more",
            token_request_id=mail["facts"]["requestId"],
        )
        until = datetime.fromisoformat(answer["expiresAt"])
        if until <= self._now():
            raise MailUnwanted("its token has expired")
        return {"token": answer["token"], "until": until}

    def appointment(self, mail: Document) -> dict[str, Any]:
        """The appointment that a mail is about, as it is now. Raises ServiceAway."""
        answer = self._ask(
            calls.APPOINTMENT_NOW,
            "there is no such appointment any more",
            appointment_id=mail["appointmentId"],
            user_id=mail["userId"],
        )
        if is_overtaken(Template(mail["template"]), mail["version"], answer["status"], answer["version"]):
            raise MailUnwanted("its appointment has changed since")
        return answer

    def _ask(self, question: Question, gone: str, **arguments: str) -> dict[str, Any]:
        service = question.service
        if service in self._away:
            raise ServiceAway(service, asked=False)
        try:
            answer: dict[str, Any] = question.ask(self._rpc, **arguments)
        except ServiceUnavailable:
            self._away.add(service)
            raise ServiceAway(service, asked=True) from None
        except AppError as error:
            if error.status == 404:
                raise MailUnwanted(gone) from None
            raise
        return answer
