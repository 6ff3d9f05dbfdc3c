"""What the mails say: plain text, each time in its appointment's zone, or else in the reader's.

``Facts`` are what the mail holds, and ``readerTimezone``, ``publicUrl`` (both may be None) and for some ``token`` and
``until``, which are known as it is sent only.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from scheduler_service.domain import Template

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str


def compose(template: str, facts: Facts, name: str) -> Letter:
    """The letter of a template, for a person of that name. Raises ValueError for an unknown template."""
    letter = _LETTERS[Template(template)](facts)
    return Letter(letter.subject, f"Hello {one_line(name)},\n\n{letter.text}\n\nYour clinic\n")


def message(mail_id: str, letter: Letter, *, sender: str, recipient: str, name: str, now: datetime) -> EmailMessage:
    """The letter as a message. Raises ValueError if the recipient is no address.

    Its Message-ID follows from the mail's id, so that a mail that was sent twice (a crash between sending and saying
    so) is known as one.
    """
    user, _, domain = recipient.rpartition("@")
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = Address(one_line(name), user, domain)
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{hashlib.sha256(mail_id.encode()).hexdigest()[:40]}@{sender.rpartition('@')[2]}>"
    # nobody's out-of-office reply shall answer (RFC 3834)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text)
    return mail


def one_line(text: str) -> str:
    """The text without anything that could begin a new line or hide in one."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def when(facts: Facts) -> str:
    """The time of an appointment: ``Monday, 30 March 2026 at 09:00 (Europe/Paris)``."""
    return _in_zone(facts["start"], facts["timezone"])


def _in_zone(instant: datetime, timezone: str) -> str:
    try:
        zone: Any = ZoneInfo(timezone)
    except (ValueError, OSError, KeyError):
        # a zone that this machine's tables do not know: the hour is right all the same, and says which it is
        return f"{instant:%A, %-d %B %Y at %H:%M} (UTC)"
    return f"{instant.astimezone(zone):%A, %-d %B %Y at %H:%M} ({timezone})"


def _for_reader(instant: datetime, facts: Facts) -> str:
    return _in_zone(instant, facts["readerTimezone"] or "UTC")


def _use_token(facts: Facts, page: str) -> str:
    """The token on a line of its own, and a link where there is somewhere to link to."""
    token = one_line(facts["token"])
    link = (
        f"or open this:\n\n{facts['publicUrl']}/{page}?token={quote(token, safe='')}\n\n" if facts["publicUrl"] else ""
    )
    return f"enter this token:\n\n{token}\n\n{link}It works until {_for_reader(facts['until'], facts)}."


def _welcome(_: Facts) -> Letter:
    return Letter("Welcome", "Your account is ready.")


def _booked(facts: Facts) -> Letter:
    what = "A patient has an appointment with you" if facts["as"] == "doctor" else "You have an appointment"
    return Letter(f"Appointment on {when(facts)}", f"{what} on {when(facts)}.")


def _cancelled(facts: Facts) -> Letter:
    by = {"patient": " by the patient", "doctor": " by the doctor"}.get(facts["by"], "")
    return Letter(f"Cancelled: appointment on {when(facts)}", f"The appointment on {when(facts)} was cancelled{by}.")


def _review(facts: Facts) -> Letter:
    text = f"You had an appointment on {when(facts)}. You can now say how it was: your review helps other patients."
    return Letter("How was your appointment?", text)


def _reset(facts: Facts) -> Letter:
    text = (
        "Somebody asked for a new password for your account. To set one, "
        f"{_use_token(facts, 'reset-password')} It works once.\n\n"
        "If it was not you, you need do nothing: your password stays as it is. Give the token to nobody."
    )
    return Letter("Set a new password", text)


def _verify(facts: Facts) -> Letter:
    text = (
        "An account was opened with this e-mail address. To confirm that the address is yours, "
        f"{_use_token(facts, 'verify-email')}\n\n"
        "If it was not you, you need do nothing: without the token the address stays unconfirmed."
    )
    return Letter("Confirm your e-mail address", text)


def _password_changed(facts: Facts) -> Letter:
    how = {"RESET": " with a token that was mailed to you"}.get(facts["by"], "")
    text = (
        f"The password of your account was changed{how} on {_for_reader(facts['changedAt'], facts)}.\n\n"
        'If it was not you, set a new one at once ("forgot password"), which signs out every device, and tell us.'
    )
    return Letter("Your password was changed", text)


_LETTERS: dict[Template, Callable[[Facts], Letter]] = {
    Template.WELCOME: _welcome,
    Template.BOOKED: _booked,
    Template.CANCELLED: _cancelled,
    Template.REVIEW: _review,
    Template.RESET: _reset,
    Template.VERIFY: _verify,
    Template.PASSWORD_CHANGED: _password_changed,
}
