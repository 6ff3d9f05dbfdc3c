"""Whether somebody is who they say: the address and the password of an account."""

from collections.abc import Callable

from auth_service import events
from auth_service.errors import InvalidCredentials
from auth_service.passwords import Passwords
from auth_service.service.throttle import Throttle
from auth_service.store.credentials import Credentials
from chassis.audit import Audit
from chassis.events import Event
from chassis.mongo import Document

Refusal = Callable[[Document | None, str | None, str], Event]


class Authentication:
    """Checks passwords."""

    def __init__(self, *, credentials: Credentials, passwords: Passwords, throttle: Throttle, audit: Audit) -> None:
        self._credentials = credentials
        self._passwords = passwords
        self._throttle = throttle
        self._audit = audit

    def by_password(
        self, email: str, password: str, address: str | None, refusal: Refusal = events.session_refused
    ) -> Document:
        """The credential, whatever its status, of who signs in from ``address``; ``refusal`` makes the audit's entry.

        Raises InvalidCredentials, alike and after the same work for an unknown address and a wrong password, and
        TooManyAttempts before either is looked at.
        """
        attempt = self._throttle.sign_in(email, address)
        credential = self._credentials.by_email(email)
        if not self._passwords.verify(credential["passwordHash"] if credential else None, password) or not credential:
            self._audit.record(refusal(credential, address, InvalidCredentials.code))
            raise InvalidCredentials
        attempt.succeeded()
        if self._passwords.outdated(credential["passwordHash"]):
            renewed = self._passwords.hash(password)
            self._credentials.replace_hash(credential["_id"], credential["passwordHash"], renewed)
        return credential
