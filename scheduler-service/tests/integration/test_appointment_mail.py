"""Mails about appointments: written with the news, checked with appointment-service as they are sent."""

import socketserver
from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from stand_ins import Building, Clock, Mailbox, Refusal, appointment, peer

from chassis.clock import new_id, now
from scheduler_service import events
from scheduler_service.bootstrap import Built

START = datetime.fromisoformat("2999-03-30T07:00:00+00:00")
OLD = START - timedelta(days=3)


def contact(user_id: str) -> dict[str, Any]:
    return {"email": f"{user_id}@clinic.example", "name": "Ann Lee", "timezone": None, "status": "ACTIVE"}


@pytest.fixture
def users(amqp_url: str) -> Iterator[None]:
    with peer(amqp_url, "user-service", contact=contact):
        yield


def fresh(prefix: str = "ann") -> str:
    return f"{prefix}-{new_id()}"


def tell(built: Built, what: str, version: int, patient: str, **facts: Any) -> str:
    """Announce a change; the appointment's id."""
    event = events.AppointmentChanged(
        **{"appointment_id": new_id(), "doctor_id": fresh("doc"), "start": START, "status": "BOOKED", "by": "patient"}
        | {"patient_id": patient, "version": version, "timezone": "Europe/Paris"}
        | facts
    )
    handle = getattr(built.appointments, what)
    built.database.transact(lambda session: handle(event, session))
    return event.appointment_id


def deliver(built: Built) -> dict[str, int | str]:
    return built.delivery.deliver(lambda: True)


def stored(built: Built, about: str) -> list[dict[str, Any]]:
    return list(built.database["mails"].find({"appointmentId": about}).sort("_id"))


def due_now(built: Built) -> None:
    built.database["mails"].update_many({"status": "PENDING"}, {"$set": {"nextAttemptAt": now()}})


def test_a_booking_is_told_to_both_with_its_calendar_file_and_a_link(
    built_from: Building, env: dict[str, str], built: Built, users: None, amqp_url: str, mailbox: Mailbox
) -> None:
    ann, doctor = fresh(), fresh("doc")
    about = tell(built, "booked", 1, ann, doctor_id=doctor)
    with (
        built_from({**env, "PUBLIC_URL": "https://clinic.example"}) as public,
        peer(
            amqp_url,
            "appointment-service",
            appointment_now=lambda appointment_id, user_id: appointment("BOOKED", 1),
        ) as appointments,
    ):
        assert deliver(public) == {"sent": 2}
    asked = appointments.called("appointment_now")
    assert {call["user_id"] for call in asked} == {ann, doctor}
    for reader in (ann, doctor):
        (mail,) = mailbox.to(reader)
        (attached,) = mail.iter_attachments()
        assert attached["Content-Type"].params["method"] == "PUBLISH"
        assert "BEGIN:VCALENDAR" in attached.get_content()
        body = mail.get_body(("plain",))
        assert body is not None
        assert f"https://clinic.example/appointments/{about}" in body.get_content()


@pytest.mark.parametrize(
    ("what", "state", "outcome"),
    [
        ("booked", ("CANCELLED", 2), {"dropped": 2}),
        ("requested", ("BOOKED", 2), {"dropped": 2}),
        ("rescheduled", ("BOOKED", 2), {"dropped": 2}),
        ("cancelled", ("CANCELLED", 1), {"sent": 2}),
        ("completed", ("NO_SHOW", 2), {"dropped": 1}),
        ("completed", ("COMPLETED", 3), {"sent": 1}),
        ("cancelled", None, {"dropped": 2}),
    ],
)
def test_news_that_is_overtaken_or_whose_appointment_is_gone_is_not_told(
    built: Built,
    users: None,
    amqp_url: str,
    what: str,
    state: tuple[str, int] | None,
    outcome: dict[str, int],
) -> None:
    def now_as(appointment_id: str, user_id: str) -> dict[str, Any]:
        if state is None:
            raise Refusal(404, "NOT_FOUND")
        return appointment(*state)

    tell(built, what, 1, fresh(), previous_start=OLD)
    with peer(amqp_url, "appointment-service", appointment_now=now_as):
        assert deliver(built) == outcome


def test_while_appointment_service_is_away_its_mails_wait_uncounted_and_all_others_go(
    built: Built, users: None, amqp_url: str, clock: Clock, mailbox: Mailbox
) -> None:
    ann, bob = fresh(), fresh("bob")
    about = tell(built, "booked", 1, ann)
    built.database.transact(lambda session: built.post.user_registered(events.UserRegistered(user_id=bob), session))
    assert deliver(built) == {"sent": 1, "reason": "appointment-service is away"}
    assert [mail["Subject"] for mail in mailbox.to(bob)] == ["Welcome"]
    waiting = stored(built, about)
    assert [(mail["status"], mail["attempts"]) for mail in waiting] == [("PENDING", 0)] * 2
    # the one that asked goes last: should the service fail over it alone, the other is not held up
    assert len({mail["nextAttemptAt"] for mail in waiting}) == 2
    clock.shift = timedelta(minutes=2)
    with peer(
        amqp_url, "appointment-service", appointment_now=lambda appointment_id, user_id: appointment("BOOKED", 1)
    ):
        assert deliver(built) == {"sent": 2}


def test_the_time_that_somebody_knows_is_told_though_the_mail_of_the_move_was_never_sent(
    built: Built, users: None, amqp_url: str, mailbox: Mailbox
) -> None:
    ann = fresh()
    about = tell(built, "rescheduled", 2, ann, previous_start=OLD)
    doctor = next(mail["userId"] for mail in stored(built, about) if mail["userId"] != ann)
    same = {"appointment_id": about, "doctor_id": doctor}
    tell(built, "rescheduled", 3, ann, previous_start=START, start=START + timedelta(days=1), **same)
    tell(built, "cancelled", 4, ann, start=START + timedelta(days=1), cause="cancelled", **same)
    with peer(
        amqp_url, "appointment-service", appointment_now=lambda appointment_id, user_id: appointment("CANCELLED", 4)
    ):
        assert deliver(built) == {"sent": 2, "dropped": 4}
    (mail,) = mailbox.to(ann)
    body = mail.get_body(("plain",))
    assert body is not None
    assert f"Before, it was to be on {OLD:%A, %-d %B %Y}" in " ".join(body.get_content().split())


def test_an_offer_is_told_until_it_has_expired(built: Built, users: None, clock: Clock, mailbox: Mailbox) -> None:
    for outcome in ({"sent": 1}, {"dropped": 1}):
        ann = fresh()
        offer = events.WaitlistOffered(
            entry_id=new_id(),
            patient_id=ann,
            start=START,
            timezone="Europe/Paris",
            expires_at=now() + timedelta(minutes=30),
            version=2,
        )
        built.database.transact(lambda session, offer=offer: built.post.waitlist_offered(offer, session))
        assert deliver(built) == outcome
        assert len(mailbox.to(ann)) == int("sent" in outcome)
        clock.shift = timedelta(minutes=30)


def test_a_mail_that_was_written_before_there_were_more_facts_is_still_sent(
    built: Built, users: None, amqp_url: str, mailbox: Mailbox
) -> None:
    ann, about = fresh(), new_id()
    facts = {"as": "patient", "start": START, "timezone": "Europe/Paris", "by": "doctor"}
    for template in ("appointment-booked", "appointment-cancelled"):
        built.database["mails"].insert_one(
            {"_id": f"{template}:{about}:2:{ann}", "userId": ann, "template": template, "facts": facts}
            | {"appointmentId": about, "version": 2, "status": "PENDING", "attempts": 0}
            | {"createdAt": now(), "nextAttemptAt": now()}
        )
    # what such a mail tells of is known to be newer
    tell(built, "booked", 1, ann, appointment_id=about)
    assert len(stored(built, about)) == 2
    with peer(
        amqp_url, "appointment-service", appointment_now=lambda appointment_id, user_id: appointment("CANCELLED", 2)
    ):
        assert deliver(built) == {"sent": 2}
    assert len(mailbox.to(ann)) == 2


class _DyingServer(socketserver.StreamRequestHandler):
    """Takes one mail, and dies at the second."""

    server: "_Dying"

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline():
            if line.upper().startswith(b"DATA"):
                if self.server.taken:
                    self.server.socket.close()
                    return
                self.server.taken += 1
                self.wfile.write(b"354 go on\r\n")
                while self.rfile.readline() != b".\r\n":
                    pass
            self.wfile.write(b"250 fine\r\n")


class _Dying(socketserver.TCPServer):
    taken = 0


def test_a_mail_server_that_dies_in_the_middle_loses_no_mail(
    built_from: Building, env: dict[str, str], built: Built, users: None, amqp_url: str
) -> None:
    people = [fresh() for _ in range(4)]
    for person in people:
        event = events.UserRegistered(user_id=person)
        built.database.transact(lambda session, event=event: built.post.user_registered(event, session))
    with _Dying(("127.0.0.1", 0), _DyingServer) as server:
        Thread(target=server.handle_request, daemon=True).start()
        with built_from({**env, "SMTP_URL": f"smtp://127.0.0.1:{server.server_address[1]}"}) as dying:
            assert deliver(dying) == {"sent": 1, "pending": 1, "reason": "the mail server is away"}
    waiting = list(built.database["mails"].find({"status": "PENDING"}))
    # the one during which it died may be what it died of
    assert sorted(mail["attempts"] for mail in waiting) == [0, 0, 1]
    due_now(built)
    assert deliver(built) == {"sent": 3}
