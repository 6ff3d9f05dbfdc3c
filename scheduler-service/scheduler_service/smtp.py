"""The mail server, by smtplib."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

from scheduler_service.errors import MailRefused, MailServerAway

_SECONDS = 10.0


class MailServer:
    """Sends through ``smtp://`` or ``smtps://[user:password@]host[:port]``.

    smtps is TLS from the first byte. smtp changes to TLS if the server offers it; with ``?starttls=required`` it must,
    with ``?starttls=off`` it is never tried. A password is not sent in the clear unless that says so.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._tls = parts.scheme == "smtps"
        self._host = parts.hostname or ""
        self._port = parts.port or (465 if self._tls else 25)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password or "")
        self._starttls = parse_qs(parts.query).get("starttls", ["if offered"])[0]

    @contextmanager
    def session(self) -> Iterator["Session"]:
        """A way to send several mails over one connection, which is made when the first is sent."""
        session = Session(self)
        try:
            yield session
        finally:
            session.close()

    def connect(self) -> smtplib.SMTP:
        """A connection that is ready to send. Raises MailServerAway."""
        try:
            connection = (
                smtplib.SMTP_SSL(self._host, self._port, timeout=_SECONDS, context=ssl.create_default_context())
                if self._tls
                else smtplib.SMTP(self._host, self._port, timeout=_SECONDS)
            )
        except (OSError, smtplib.SMTPException) as error:
            raise MailServerAway(repr(error)) from None
        try:
            self._prepare(connection)
        except (OSError, smtplib.SMTPException) as error:
            connection.close()
            # not the error's text: a server may repeat what it was told
            raise MailServerAway(type(error).__name__) from None
        return connection

    def _prepare(self, connection: smtplib.SMTP) -> None:
        connection.ehlo_or_helo_if_needed()
        secure = self._tls
        if not secure and self._starttls != "off":
            if connection.has_extn("starttls"):
                connection.starttls(context=ssl.create_default_context())
                connection.ehlo()
                secure = True
            elif self._starttls == "required":
                raise smtplib.SMTPNotSupportedError("no STARTTLS")
        if self._user:
            if not secure and self._starttls != "off":
                raise smtplib.SMTPNotSupportedError("no TLS for the password")
            connection.login(self._user, self._password)


class Session:
    """Several mails over one connection; a new one is made where the last was lost."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._connection: smtplib.SMTP | None = None

    def send(self, message: EmailMessage, recipient: str) -> None:
        """Hand one mail over. Raises MailRefused if the server does not take this one, MailServerAway if none."""
        if self._connection is None:
            self._connection = self._server.connect()
        try:
            self._connection.send_message(message, str(message["From"]), [recipient])
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException, smtplib.SMTPNotSupportedError) as error:
            raise MailRefused(_reason(error)) from None
        except (OSError, smtplib.SMTPException) as error:
            # it may be this very mail that ends connections, so it counts against it
            self.close()
            raise MailRefused(type(error).__name__) from None

    def close(self) -> None:
        if self._connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._connection.quit()
            self._connection.close()
            self._connection = None


def _reason(error: smtplib.SMTPException) -> str:
    """The reply's code alone: its text usually repeats the address."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"SMTP {error.smtp_code}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"SMTP {next(iter(error.recipients.values()))[0]}"
    return type(error).__name__
