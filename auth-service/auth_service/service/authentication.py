"""Whether somebody is who they say: the address and the password of an account."""

from auth_service.errors import InvalidCredentials
from auth_service.events import refused_session
from auth_service.passwords import Passwords
from auth_service.store.credentials import Credentials
from chassis.audit import Audit
from chassis.mongo import Document


class Authentication:
    """Checks passwords."""

    def __init__(self, *, credentials: Credentials, passwords: Passwords, audit: Audit) -> None:
        self._credentials = credentials
        self._passwords = passwords
        self._audit = audit

    def by_password(self, email: str, password: str, address: str | None) -> Document:
        """The credential, whatever its status, of who signs in from ``address``.

        Raises InvalidCredentials, alike and after the same work for an unknown address and a wrong password.
        """
        credential = self._credentials.by_email(email)
        if not self._passwords.verify(credential["passwordHash"] if credential else None, password) or not credential:
            self._audit.record(refused_session(credential, address, InvalidCredentials.code))
            raise InvalidCredentials
        return credential
