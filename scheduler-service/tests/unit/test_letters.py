"""What the mails say."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler_service.domain import Template
from scheduler_service.letters import Letter, compose, message, one_line, when

WINTER = datetime(2026, 3, 27, 13, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
TOKEN = "019d784b22f1c0a85b11d3e9a7704c2e.Zm9v-YmFy_cXV4"


def facts(**changes: Any) -> dict[str, Any]:
    start = datetime(2026, 3, 30, 7, 0, tzinfo=UTC)
    return {"as": "patient", "start": start, "timezone": "Europe/Paris", "by": "patient", **changes}


def token_facts(**changes: Any) -> dict[str, Any]:
    until = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
    return {"token": TOKEN, "until": until, "readerTimezone": None, "publicUrl": None, **changes}


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
    more = {"changedAt": NOW, "heldUntil": NOW, "previousStart": NOW, "status": "BOOKED"}
    letter = compose(template, {**facts(), **token_facts(), **more}, "Ann Lee")
    assert letter.text.startswith("Hello Ann Lee,\n")
    assert letter.subject


def test_patient_and_doctor_are_told_in_their_own_words() -> None:
    assert "You have an appointment" in compose("appointment-booked", facts(), "A").text
    assert "A patient has an appointment with you" in compose("appointment-booked", facts(**{"as": "doctor"}), "A").text
    assert "cancelled by the doctor" in compose("appointment-cancelled", facts(by="doctor"), "A").text
    assert "cancelled by you" in compose("appointment-cancelled", facts(by="patient"), "A").text
    assert "cancelled." in compose("appointment-cancelled", facts(by="system"), "A").text
    assert "The doctor confirmed the" in compose("appointment-booked", facts(by="doctor"), "A").text
    assert "You confirmed the" in compose("appointment-booked", facts(by="doctor", **{"as": "doctor"}), "A").text


@pytest.mark.parametrize(
    ("cause", "reader", "says"),
    [
        ("declined", "patient", "The doctor declined your request for an appointment"),
        ("declined", "doctor", "You declined the request for an appointment"),
        ("lapsed", "patient", "Your request for an appointment"),
        ("lapsed", "doctor", "has lapsed"),
        ("cancelled", "doctor", "was cancelled by the patient"),
        (None, "doctor", "was cancelled by the patient"),
    ],
)
def test_a_request_that_came_to_nothing_reads_otherwise_than_a_cancellation(
    cause: str | None, reader: str, says: str
) -> None:
    letter = compose("appointment-cancelled", facts(cause=cause, **{"as": reader}), "A")
    assert says in letter.text
    assert ("cancelled" in letter.text.lower()) is (cause in ("cancelled", None))


def test_a_request_says_that_it_is_not_certain_and_by_when_the_doctor_decides() -> None:
    until = datetime(2026, 3, 20, 8, 0, tzinfo=UTC)
    assert "It is not certain yet" in compose("appointment-requested", facts(lapsesAt=until), "A").text
    to_doctor = compose("appointment-requested", facts(lapsesAt=until, **{"as": "doctor"}), "A").text
    assert "confirm or decline it by Friday, 20 March 2026 at 09:00 (Europe/Paris)" in to_doctor
    undated = compose("appointment-requested", facts(lapsesAt=None, **{"as": "doctor"}), "A").text
    assert "within 24 hours of the request, and before it starts" in undated


def test_a_move_tells_the_old_time_and_the_new_each_in_its_own_offset() -> None:
    text = compose("appointment-rescheduled", facts(previousStart=WINTER, status="BOOKED"), "A").text
    assert "Old time: Friday, 27 March 2026 at 14:00 (Europe/Paris)" in text
    assert "New time: Monday, 30 March 2026 at 09:00 (Europe/Paris)" in text
    assert "not certain" not in text
    assert (
        "not certain" in compose("appointment-rescheduled", facts(previousStart=WINTER, status="REQUESTED"), "A").text
    )


def test_a_link_leads_to_the_appointment_where_there_is_somewhere_to_link_to() -> None:
    linked = facts(publicUrl="https://clinic.example", appointmentId="a/b")
    assert "https://clinic.example/appointments/a%2Fb" in compose("appointment-reminder", linked, "A").text.splitlines()
    assert "http" not in compose("appointment-reminder", facts(publicUrl=None, appointmentId="ab"), "A").text


def test_a_calendar_file_is_attached_as_one() -> None:
    ics = "BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nSUMMARY:Zoë\r\nEND:VCALENDAR\r\n"
    letter = compose("appointment-reminder", facts(), "Ann")
    made = message("1", letter, sender="a@b.example", recipient="c@d.example", name="Ann", now=NOW, calendar_file=ics)
    read = message_from_bytes(made.as_bytes(), policy=policy.default)
    (attached,) = read.iter_attachments()
    assert (attached.get_content_type(), attached.get_filename()) == ("text/calendar", "appointment.ics")
    assert attached["Content-Type"].params["method"] == "PUBLISH"
    assert attached.get_content().splitlines() == ics.splitlines()
    assert read.get_body().get_content().splitlines() == letter.text.splitlines()


@pytest.mark.parametrize(
    ("template", "page"), [("password-reset", "reset-password"), ("email-verification", "verify-email")]
)
def test_a_token_stands_on_a_line_of_its_own_with_a_link_besides_if_there_is_somewhere_to_link_to(
    template: str, page: str
) -> None:
    bare = compose(template, token_facts(), "Ann").text
    assert TOKEN in bare.splitlines()
    assert "http" not in bare
    linked = compose(template, token_facts(publicUrl="https://clinic.example/app"), "Ann").text
    assert TOKEN in linked.splitlines()
    assert f"https://clinic.example/app/{page}?token={TOKEN}" in linked.splitlines()
    for text in (bare, linked):
        assert "It works until Sunday, 1 March 2026 at 10:00 (UTC)." in text
        assert "If it was not you, " in text


def test_how_long_a_token_works_is_told_in_the_readers_zone() -> None:
    text = compose("password-reset", token_facts(readerTimezone="Asia/Tokyo"), "Ann").text
    assert "until Sunday, 1 March 2026 at 19:00 (Asia/Tokyo)" in text


def test_a_token_breaks_neither_its_line_nor_its_link() -> None:
    odd = token_facts(token="a b&c=d\r\nBcc: eve#/?", publicUrl="https://c.example")
    lines = compose("password-reset", odd, "Ann").text.splitlines()
    assert "a b&c=d Bcc: eve#/?" in lines
    assert "https://c.example/reset-password?token=a%20b%26c%3Dd%20Bcc%3A%20eve%23%2F%3F" in lines


@pytest.mark.parametrize(
    ("by", "how"), [("RESET", "changed with a token that was mailed to you on"), ("CHANGE", "changed on")]
)
def test_who_did_not_change_the_password_is_told_what_to_do(by: str, how: str) -> None:
    text = compose("password-changed", {"changedAt": NOW, "by": by, "readerTimezone": None}, "Ann").text
    assert f"{how} Sunday, 1 March 2026 at 09:30 (UTC)." in text
    assert "If it was not you, set a new one at once" in text


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
