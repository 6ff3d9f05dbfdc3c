"""Passwords: changed by who knows the old one, reset by who reads the account's mail."""

from collections.abc import Callable
from datetime import datetime

from pymongo.client_session import ClientSession

from auth_service import events
from auth_service.domain import Reason, guessable
from auth_service.errors import InvalidCredentials, ResetTokenInvalid
from auth_service.one_time_tokens import Purpose
from auth_service.passwords import Passwords
from auth_service.service.authentication import Authentication
from auth_service.service.one_time_tokens import OneTimeTokens
from auth_service.service.sessions import Sessions
from auth_service.service.throttle import Throttle
from auth_service.store.credentials import Credentials
from chassis.errors import TokenInvalid
from chassis.mongo import Database, Document
from chassis.schemas import invalid
from chassis.tombstones import Tombstones


class PasswordChanges:
    """Replaces passwords, and ends the sessions that the old one opened."""

    def __init__(
        self,
        database: Database,
        *,
        credentials: Credentials,
        sessions: Sessions,
        tokens: OneTimeTokens,
        tombstones: Tombstones,
        passwords: Passwords,
        authentication: Authentication,
        throttle: Throttle,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._credentials = credentials
        self._sessions = sessions
        self._tokens = tokens
        self._tombstones = tombstones
        self._passwords = passwords
        self._authentication = authentication
        self._throttle = throttle
        self._now = clock

    def change(self, user_id: str, session_id: str, current: str, new: str, address: str | None) -> None:
        """Replace the password and end every other session.

        Raises InvalidCredentials and TooManyAttempts as signing in does, ValidationFailed for a new password that
        is guessable or no other.
        """
        known = self._credentials.find(user_id)
        if known is None:
            raise TokenInvalid
        credential = self._authentication.by_password(
            known["email"], current, address, refusal=events.refused_password_change
        )
        if new == current:
            raise invalid("newPassword", "is the present password")
        _check(new, credential)
        hashed = self._passwords.hash(new)
        announced = events.password_changed(credential, self._now(), "CHANGE", address)

        def work(session: ClientSession) -> None:
            if not self._credentials.set_password(credential, hashed, announced, session):
                # changed or reset meanwhile: what was proven is no longer the password
                raise InvalidCredentials
            self._tokens.void(user_id, Purpose.RESET, session)
            self._sessions.revoke_all(user_id, Reason.PASSWORD_CHANGED, session, session_id, credential["role"])

        self._database.transact(work)

    def request_reset(self, email: str, address: str | None) -> None:
        """Ask for a mail with a reset token, three in an hour at most. Raises TooManyAttempts for the address alone.

        For an address without an account, or beyond the three, the same is done with a decoy.
        """
        self._throttle.ask(address)
        allowed = self._throttle.may_mail(Purpose.RESET, email)
        nobody = self._throttle.stand_in(email)

        def work(session: ClientSession) -> None:
            credential = self._credentials.by_email(email, session)
            user_id = credential["_id"] if credential and allowed else None
            live = self._tombstones.are_live([user_id or nobody], session)
            self._tokens.request(Purpose.RESET, user_id if live else None, session)

        self._database.transact(work)

    def reset(self, text: str, new: str, address: str | None) -> None:
        """Set a new password with a token that was mailed, once, and end every session; the address is proven too.

        Raises ResetTokenInvalid alike for a token that is unknown, used, voided or expired, TooManyAttempts, and
        ValidationFailed for a guessable password, which does not spend the token. The account's status stays.
        """
        attempt = self._throttle.ask(address)
        document = self._tokens.presented(Purpose.RESET, text)
        credential = self._credentials.find(document["userId"]) if document else None
        if not document or not credential or document.get("usedAt"):
            raise ResetTokenInvalid
        _check(new, credential)
        hashed = self._passwords.hash(new)
        user_id = credential["_id"]
        verified = events.email_verified(credential, self._now())
        announced = events.password_changed(credential, self._now(), "RESET", address)

        def work(session: ClientSession) -> None:
            present = self._credentials.find(user_id, session)
            if not present or not self._tokens.use(document, session):
                raise ResetTokenInvalid
            self._credentials.set_verified(user_id, verified, session)
            self._credentials.set_password(present, hashed, announced, session)
            self._tokens.void(user_id, Purpose.RESET, session)
            self._sessions.revoke_all(user_id, Reason.PASSWORD_RESET, session, role=present["role"])

        self._database.transact(work)
        attempt.succeeded()


def _check(password: str, credential: Document) -> None:
    if guessable(password, [credential["email"], *credential["email"].split("@"), *credential["name"].split()]):
        raise invalid("newPassword", "is too easy to guess")
