"""What the mails say: plain text, each time in its appointment's zone, or else in the reader's.

``Facts`` are what the mail holds, its ``appointmentId`` (None if it is about none), and ``readerTimezone``,
``publicUrl`` (both may be None) and for some ``token`` and ``until``, which are known as it is sent only. A mail of
before may lack what was added since.
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

from chassis import context
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


def message(
    mail_id: str,
    letter: Letter,
    *,
    sender: str,
    recipient: str,
    name: str,
    now: datetime,
    request_id: str | None = None,
    calendar_file: str | None = None,
) -> EmailMessage:
    """The letter as a message, with the calendar file attached if there is one. Raises ValueError if the recipient is
    no address.

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
    if request_id:
        # whoever has the mail can say which of the suite's log lines tell of it
        mail[context.HEADER] = request_id
    mail.set_content(letter.text)
    if calendar_file is not None:
        mail.add_attachment(calendar_file, subtype="calendar", filename="appointment.ics", params={"method": "PUBLISH"})
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


def _page(facts: Facts) -> str:
    """A link to the appointment's page, where there is somewhere to link to."""
    if not facts.get("publicUrl") or not facts.get("appointmentId"):
        return ""
    return f"\n\n{facts['publicUrl']}/appointments/{quote(facts['appointmentId'], safe='')}"


def _by(facts: Facts) -> str:
    """Who made a change, as its reader calls them; nothing where the suite did."""
    if facts["by"] == facts["as"]:
        return " by you"
    return {"patient": " by the patient", "doctor": " by the doctor"}.get(facts["by"], "")


def _before(facts: Facts) -> str:
    return _in_zone(facts["previousStart"], facts["timezone"])


def _moved_before(facts: Facts) -> str:
    """The time that the reader knew the appointment by, where nobody could be told of its move in time."""
    return f"\n\nBefore, it was to be on {_before(facts)}." if facts.get("previousStart") else ""


def _welcome(_: Facts) -> Letter:
    return Letter("Welcome", "Your account is ready.")


def _requested(facts: Facts) -> Letter:
    if facts["as"] != "doctor":
        text = (
            f"You asked for an appointment on {when(facts)}. It is not certain yet: the doctor decides first, and you "
            f"will hear of it.{_page(facts)}"
        )
        return Letter(f"You asked for an appointment on {when(facts)}", text)
    until = facts.get("lapsesAt")
    by = f"by {_in_zone(until, facts['timezone'])}" if until else "within 24 hours of the request, and before it starts"
    text = (
        f"A patient asks for an appointment on {when(facts)}. Please confirm or decline it {by}; after that it lapses."
    )
    return Letter(f"To be decided: appointment on {when(facts)}", f"{text}{_page(facts)}")


def _booked(facts: Facts) -> Letter:
    # patients book for themselves, so where it was the doctor there was a request
    if facts["by"] == "doctor":
        who = "You confirmed" if facts["as"] == "doctor" else "The doctor confirmed"
        text = f"{who} the appointment on {when(facts)}."
        return Letter(f"Confirmed: appointment on {when(facts)}", f"{text}{_page(facts)}")
    what = "A patient has an appointment with you" if facts["as"] == "doctor" else "You have an appointment"
    return Letter(f"Appointment on {when(facts)}", f"{what} on {when(facts)}.{_page(facts)}")


def _rescheduled(facts: Facts) -> Letter:
    text = (
        f"The appointment on {_before(facts)} was moved{_by(facts)}.\n\nOld time: {_before(facts)}\n"
        f"New time: {when(facts)}"
    )
    if facts["status"] == "REQUESTED":
        text += "\n\nIt is not certain yet: the doctor still has to confirm it."
    return Letter(f"Moved: appointment now on {when(facts)}", f"{text}{_page(facts)}")


def _cancelled(facts: Facts) -> Letter:
    cause = facts.get("cause")
    if cause == "declined":
        who = "You" if facts["as"] == "doctor" else "The doctor"
        what = "the request for" if facts["as"] == "doctor" else "your request for"
        return Letter(
            f"Declined: appointment on {when(facts)}",
            f"{who} declined {what} an appointment on {when(facts)}. It will not take place.{_moved_before(facts)}",
        )
    if cause == "lapsed":
        whose = "The request" if facts["as"] == "doctor" else "Your request"
        return Letter(
            f"Not confirmed: appointment on {when(facts)}",
            f"{whose} for an appointment on {when(facts)} was not answered in time and has lapsed. "
            f"It will not take place.{_moved_before(facts)}",
        )
    return Letter(
        f"Cancelled: appointment on {when(facts)}",
        f"The appointment on {when(facts)} was cancelled{_by(facts)}.{_moved_before(facts)}",
    )


def _reminder(facts: Facts) -> Letter:
    text = f"This is to remind you of your appointment on {when(facts)}.{_page(facts)}"
    return Letter(f"Reminder: appointment on {when(facts)}", text)


def _offered(facts: Facts) -> Letter:
    until = _in_zone(facts["heldUntil"], facts["timezone"])
    link = f"\n\n{facts['publicUrl']}/waitlist" if facts["publicUrl"] else ""
    text = (
        f"A time that you wait for is free: {when(facts)}. It is held for you until {until}; accept it by then, or it "
        f"is offered to the next in line.{link}"
    )
    return Letter(f"Held for you: appointment on {when(facts)}", text)


def _review(facts: Facts) -> Letter:
    text = f"You had an appointment on {when(facts)}. You can now say how it was: your review helps other patients."
    text += _page(facts)
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
    Template.REQUESTED: _requested,
    Template.BOOKED: _booked,
    Template.RESCHEDULED: _rescheduled,
    Template.CANCELLED: _cancelled,
    Template.REMINDER: _reminder,
    Template.OFFERED: _offered,
    Template.REVIEW: _review,
    Template.RESET: _reset,
    Template.VERIFY: _verify,
    Template.PASSWORD_CHANGED: _password_changed,
}
