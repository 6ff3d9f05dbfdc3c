"""What the mails say."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler_service.domain import Template
from scheduler_service.letters import Letter, compose, message, one_line, when

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def facts(**changes: Any) -> dict[str, Any]:
    start = datetime(2026, 3, 30, 7, 0, tzinfo=UTC)
    return {"as": "patient", "start": start, "timezone": "Europe/Paris", "by": "patient", **changes}


def written(name: str = "Ann Lee", recipient: str = "ann@clinic.example", mail_id: str = "1") -> bytes:
    letter = compose("welcome", {}, name)
    return message(
        mail_id, letter, sender="no-reply@clinic.example", recipient=recipient, name=name, now=NOW
    ).as_bytes()


def test_times_are_those_of_the_appointments_zone() -> None:
    assert when(facts()) == "Monday, 30 March 2026 at 09:00 (Europe/Paris)"
    before_the_clocks_change = facts(start=datetime(2026, 3, 28, 7, 0, tzinfo=UTC))
    assert when(before_the_clocks_change) == "Saturday, 28 March 2026 at 08:00 (Europe/Paris)"


def test_a_zone_that_is_not_known_here_falls_back_to_utc() -> None:
    assert when(facts(timezone="Mars/Olympus")) == "Monday, 30 March 2026 at 07:00 (UTC)"


@pytest.mark.parametrize("template", list(Template))
def test_every_template_can_be_written(template: Template) -> None:
    letter = compose(template, facts(), "Ann Lee")
    assert letter.text.startswith("Hello Ann Lee,\n")
    assert letter.subject


def test_patient_and_doctor_are_told_in_their_own_words() -> None:
    assert "You have an appointment" in compose("appointment-booked", facts(), "A").text
    assert "A patient has an appointment with you" in compose("appointment-booked", facts(**{"as": "doctor"}), "A").text
    assert "cancelled by the doctor" in compose("appointment-cancelled", facts(by="doctor"), "A").text
    assert "cancelled." in compose("appointment-cancelled", facts(by="system"), "A").text


@pytest.mark.parametrize(
    "name", ["Ann\r\nBcc: eve@evil.example", "Ann\nBcc: eve@evil.example", "Ann\u2028Bcc: x", "Ann\x00\x0bBcc: x"]
)
def test_a_name_cannot_add_a_header(name: str) -> None:
    headers = written(name).partition(b"\r\n\r\n")[0].lower()
    assert not [line for line in headers.split(b"\r\n") if line.startswith(b"bcc")]


@given(st.text(max_size=200))
def test_no_name_breaks_a_message_or_its_first_line(name: str) -> None:
    assert "\n" not in one_line(name)
    written(name)


def test_an_address_cannot_add_a_header() -> None:
    with pytest.raises(ValueError, match=r"linefeed|carriage|newline|header|invalid"):
        written(recipient="ann@clinic.example\r\nBcc: eve@evil.example")


def test_the_message_id_follows_from_the_mails_id_and_hides_it() -> None:
    def message_id(mail_id: str) -> str:
        letter = Letter("s", "t")
        return str(
            message(mail_id, letter, sender="a@b.example", recipient="c@d.example", name="N", now=NOW)["Message-ID"]
        )

    assert message_id("booked:1:ann") == message_id("booked:1:ann") != message_id("booked:1:bob")
    assert "ann" not in message_id("booked:1:ann")
