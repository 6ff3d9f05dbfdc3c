"""Calendar files and feeds, as a calendar program fetches them."""

import pytest

from devkit.suite import Instance
from tests.client import Gateway, Person, eventually
from tests.clinic import book, bookable_doctor, slots
from tests.post import mails_to


@pytest.fixture
def doctor(gateway: Gateway, admin: Person) -> Person:
    return bookable_doctor(gateway, admin)


def field(text: str, name: str) -> str:
    """The value of the file's first field of that name (its lines unfolded)."""
    lines = text.replace("\r\n ", "").split("\r\n")
    event = lines[lines.index("BEGIN:VEVENT") :]
    return next(line for line in event if line.startswith(name)).partition(":")[2]


def test_an_appointment_is_a_file_whose_sequence_rises(gateway: Gateway, doctor: Person) -> None:
    patient = gateway.sign_up("Ann Lee")
    booked = book(patient, doctor, slots(gateway, doctor)[5]["start"]).expect(201).data
    path = f"/appointments/{booked['id']}/calendar.ics"
    first = patient.get(path, headers={"Accept": "text/calendar"}).expect(200)
    assert first.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert field(first.text, "STATUS") == "CONFIRMED"
    patient.post(f"/appointments/{booked['id']}/cancel").expect(200)
    second = doctor.get(path).expect(200).text
    assert field(second, "STATUS") == "CANCELLED"
    assert field(second, "UID") == field(first.text, "UID")
    assert int(field(second, "SEQUENCE")) > int(field(first.text, "SEQUENCE"))
    gateway.sign_up("Nosy Fox").get(path).expect(404)


def test_a_feed_is_read_by_whoever_has_its_secret_until_it_is_withdrawn(
    gateway: Gateway, doctor: Person, suite: Instance
) -> None:
    patient = gateway.sign_up("Ann Lee")
    booked = book(patient, doctor, slots(gateway, doctor)[5]["start"]).expect(201).data
    made = patient.post("/calendar/feed").expect(201).data
    path = made["url"].partition("/api/v1")[2]
    text = gateway.call("GET", path).expect(200).text
    assert booked["id"] in text
    assert patient.email not in text
    anew = patient.post("/calendar/feed").expect(201).data
    gateway.call("GET", path).expect(404)
    path = anew["url"].partition("/api/v1")[2]
    gateway.call("GET", path).expect(200)
    patient.call("DELETE", "/calendar/feed").expect(200)
    gateway.call("GET", path).expect(404)
    secrets = (made["secret"], anew["secret"])
    logs = [log.read_text(errors="replace") for log in (suite.folder / "log").glob("*.log")]
    assert not any(secret in log for log in logs for secret in secrets), "a secret in a log is none"


def test_the_mail_of_a_booking_brings_the_file(gateway: Gateway, doctor: Person, suite: Instance) -> None:
    patient = gateway.sign_up("Ann Lee")
    booked = book(patient, doctor, slots(gateway, doctor)[5]["start"]).expect(201).data

    def attached() -> str | None:
        for mail in mails_to(suite, patient.email):
            for part in mail.walk():
                if part.get_content_type() == "text/calendar":
                    return str(part.get_content())
        return None

    text = eventually("the mail", attached)
    assert booked["id"] in field(text, "UID")
