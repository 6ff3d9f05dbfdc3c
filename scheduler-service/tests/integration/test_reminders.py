"""Reminders: made with the news of an appointment, turned into mail once, checked again as they are sent."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from stand_ins import Clock, Mailbox, Refusal, appointment, peer

from chassis.clock import new_id, now
from scheduler_service import events
from scheduler_service.bootstrap import Built
from scheduler_service.domain import LEASE
from scheduler_service.post import Post

HOUR = timedelta(hours=1)


def contact(user_id: str) -> dict[str, Any]:
    if user_id.startswith("lost"):
        raise Refusal(404, "NOT_FOUND")
    status = "SUSPENDED" if user_id.startswith("closed") else "ACTIVE"
    return {"email": f"{user_id}@clinic.example", "name": "Ann Lee", "timezone": None, "status": status}


class Book:
    """Appointments as their service would announce them, and tell of them when asked."""

    def __init__(self, built: Built) -> None:
        self._built = built
        self.state: dict[str, tuple[str, int]] = {}
        self.asked: list[tuple[str, str]] = []

    def tell(
        self, what: str, status: str, version: int, start: datetime, patient: str, about: str | None = None, **more: Any
    ) -> str:
        about = about or new_id()
        if version > self.state.get(about, ("", 0))[1]:
            self.state[about] = (status, version)
        event = events.AppointmentChanged(
            appointment_id=about,
            doctor_id=more.pop("doctor", f"doc-{new_id()}"),
            patient_id=patient,
            start=start,
            timezone="Europe/Paris",
            status=status,
            version=version,
            by="patient",
            **more,
        )
        handle = getattr(self._built.appointments, what)
        self._built.database.transact(lambda session: handle(event, session))
        return about

    def booked(self, ahead: timedelta, patient: str, **more: Any) -> str:
        return self.tell("booked", "BOOKED", more.pop("version", 1), now() + ahead, patient, **more)

    def now(self, appointment_id: str, user_id: str) -> dict[str, Any]:
        self.asked.append((appointment_id, user_id))
        if appointment_id not in self.state:
            raise Refusal(404, "NOT_FOUND")
        return appointment(*self.state[appointment_id])


@pytest.fixture
def book(built: Built) -> Book:
    return Book(built)


@pytest.fixture
def users(amqp_url: str) -> Iterator[None]:
    with peer(amqp_url, "user-service", contact=contact):
        yield


@pytest.fixture
def open_book(amqp_url: str, book: Book) -> Callable[[], AbstractContextManager[Any]]:
    return lambda: peer(amqp_url, "appointment-service", appointment_now=book.now)


def reminders(built: Built, about: str) -> dict[int, int]:
    """{minutes: version} of the reminders of an appointment that are to come."""
    found = built.database["reminders"].find({"appointmentId": about})
    return {reminder["minutes"]: reminder["version"] for reminder in found}


def mails(built: Built, about: str) -> list[dict[str, Any]]:
    return list(built.database["mails"].find({"appointmentId": about, "template": "appointment-reminder"}))


def only_reminders(built: Built) -> None:
    built.database["mails"].delete_many({"template": {"$ne": "appointment-reminder"}})


def send(built: Built) -> dict[str, int | str]:
    return built.reminders.send_due(lambda: True)


def deliver(built: Built) -> dict[str, int | str]:
    only_reminders(built)
    return built.delivery.deliver(lambda: True)


def fresh(prefix: str = "ann") -> str:
    return f"{prefix}-{new_id()}"


def test_a_day_and_an_hour_before_the_patient_is_reminded_once_each(
    built: Built, book: Book, clock: Clock, users: None, open_book: Any, mailbox: Mailbox
) -> None:
    ann = fresh()
    about = book.booked(48 * HOUR, ann)
    with open_book():
        for ahead in (47, 24, 23, 1, 0.5):
            clock.shift = (48 - ahead) * HOUR + timedelta(seconds=1)
            send(built)
            deliver(built)
    # a long line is folded before its first word
    subjects = [mail["Subject"].strip() for mail in mailbox.to(ann)]
    assert len(subjects) == 2
    assert all(subject.startswith("Reminder: appointment on ") for subject in subjects)
    (attached,) = mailbox.to(ann)[0].iter_attachments()
    assert (attached.get_content_type(), attached.get_filename()) == ("text/calendar", "appointment.ics")
    assert book.asked == [(about, ann)] * 2
    assert reminders(built, about) == {}


def test_one_that_is_booked_at_short_notice_is_not_reminded_of_the_past(built: Built, book: Book) -> None:
    assert reminders(built, book.booked(5 * HOUR, fresh())) == {60: 1}
    assert reminders(built, book.booked(HOUR / 2, fresh())) == {}


def test_a_request_has_no_reminders_until_it_is_confirmed(built: Built, book: Book) -> None:
    ann, start = fresh(), now() + 48 * HOUR
    about = book.tell("requested", "REQUESTED", 1, start, ann)
    assert reminders(built, about) == {}
    moved = {"about": about, "previous_start": start}
    book.tell("rescheduled", "REQUESTED", 2, start + HOUR, ann, **moved)
    assert reminders(built, about) == {}
    book.tell("booked", "BOOKED", 3, start + HOUR, ann, about)
    assert reminders(built, about) == {1440: 3, 60: 3}


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ("cancelled", "CANCELLED"),
        ("completed", "COMPLETED"),
        ("begun_or_missed", "NO_SHOW"),
        ("begun_or_missed", "CHECKED_IN"),
    ],
)
@pytest.mark.parametrize("in_order", [True, False])
def test_what_ends_an_appointment_ends_its_reminders_in_whatever_order_it_is_heard(
    built: Built, book: Book, what: str, status: str, in_order: bool
) -> None:
    ann, about, start = fresh(), new_id(), now() + 48 * HOUR
    told = [("booked", "BOOKED", 1), (what, status, 2)]
    for kind, state, version in told if in_order else told[::-1]:
        book.tell(kind, state, version, start, ann, about)
    assert reminders(built, about) == {}


def test_a_move_replaces_the_reminders_in_whatever_order_it_is_heard(built: Built, book: Book) -> None:
    ann, start = fresh(), now() + 48 * HOUR
    for first, second in ((1, 2), (2, 1)):
        about = new_id()
        for version in (first, second):
            what = "booked" if version == 1 else "rescheduled"
            book.tell(what, "BOOKED", version, start + version * HOUR, ann, about, previous_start=start + HOUR)
        assert reminders(built, about) == {1440: 2, 60: 2}


def test_news_of_one_appointment_handled_at_once_leaves_no_reminder_of_one_that_has_begun(
    built: Built, book: Book
) -> None:
    for _ in range(5):
        ann, about, start, barrier = fresh(), new_id(), now() + 48 * HOUR, Barrier(2)

        def hear(
            what: str,
            status: str,
            version: int,
            about: str = about,
            ann: str = ann,
            start: datetime = start,
            barrier: Barrier = barrier,
        ) -> None:
            barrier.wait()
            book.tell(what, status, version, start, ann, about)

        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(hear, "booked", "BOOKED", 1), pool.submit(hear, "begun_or_missed", "CHECKED_IN", 2)]
            [done.result() for done in both]
        assert reminders(built, about) == {}


def test_two_workers_at_once_write_each_reminder_once(built: Built, book: Book, clock: Clock) -> None:
    abouts = [book.booked(48 * HOUR, fresh()) for _ in range(10)]
    clock.shift = 25 * HOUR
    barrier = Barrier(4)

    def at_once(_: int) -> dict[str, int | str]:
        barrier.wait()
        return send(built)

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(at_once, range(4)))
    assert sum(int(count.get("queued", 0)) for count in counts) == 10
    assert [len(mails(built, about)) for about in abouts] == [1] * 10


def test_a_crash_between_taking_a_reminder_and_writing_its_mail_loses_and_doubles_nothing(
    built: Built, book: Book, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = book.booked(48 * HOUR, fresh())
    clock.shift = 25 * HOUR
    add = Post.add

    def die(*arguments: Any) -> None:
        add(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Post, "add", die)
        with pytest.raises(KeyboardInterrupt):
            send(built)
    assert (reminders(built, about), mails(built, about)) == ({1440: 1, 60: 1}, [])
    assert send(built) == {"queued": 1}
    assert send(built) == {}
    assert len(mails(built, about)) == 1


def test_after_a_long_outage_there_is_one_reminder_and_none_of_what_has_begun(
    built: Built, book: Book, clock: Clock
) -> None:
    soon, over = book.booked(48 * HOUR, fresh()), book.booked(30 * HOUR, fresh())
    clock.shift = 47.5 * HOUR
    assert send(built) == {"queued": 1, "dropped": 3}
    assert [mail["_id"] for mail in mails(built, soon)] == [f"appointment-reminder:{soon}:1:60"]
    assert mails(built, over) == []


def test_a_reminder_that_was_written_but_not_sent_in_time_is_not_sent(
    built: Built, book: Book, clock: Clock, users: None, open_book: Any, mailbox: Mailbox
) -> None:
    ann = fresh()
    book.booked(48 * HOUR, ann)
    clock.shift = 25 * HOUR
    assert send(built) == {"queued": 1}
    clock.shift = 47.5 * HOUR
    assert send(built) == {"queued": 1}
    with open_book():
        assert deliver(built) == {"sent": 1, "dropped": 1}
        built.database["mails"].update_many({}, {"$set": {"status": "PENDING", "nextAttemptAt": now()}})
        clock.shift = 48 * HOUR
        assert deliver(built) == {"dropped": 2}
    assert len(mailbox.to(ann)) == 1


@pytest.mark.parametrize("state", [("CANCELLED", 2), ("BOOKED", 2), ("CHECKED_IN", 2), None])
def test_a_reminder_of_what_has_changed_meanwhile_is_not_sent(
    built: Built,
    book: Book,
    clock: Clock,
    users: None,
    open_book: Any,
    mailbox: Mailbox,
    state: tuple[str, int] | None,
) -> None:
    ann = fresh()
    about = book.booked(48 * HOUR, ann)
    clock.shift = 25 * HOUR
    send(built)
    # its announcement is still on its way
    if state:
        book.state[about] = state
    else:
        del book.state[about]
    with open_book():
        assert deliver(built) == {"dropped": 1}
    assert mailbox.to(ann) == []


def test_one_bad_address_and_one_that_nobody_has_stop_no_other_reminder(
    built: Built, book: Book, clock: Clock, users: None, open_book: Any, mailbox: Mailbox
) -> None:
    people = [fresh(kind) for kind in ("bad", "lost", "closed", "ann", "bob")]
    abouts = {person.partition("-")[0]: book.booked(48 * HOUR, person) for person in people}
    clock.shift = 25 * HOUR
    send(built)
    built.database["mails"].update_many({}, {"$set": {"createdAt": now()}})
    with open_book():
        assert deliver(built) == {"sent": 2, "pending": 1, "dropped": 2}
    assert {kind: mails(built, about)[0]["status"] for kind, about in abouts.items()} == {
        "bad": "PENDING",
        "lost": "DROPPED",
        "closed": "DROPPED",
        "ann": "SENT",
        "bob": "SENT",
    }
    assert [len(mailbox.to(person)) for person in people] == [0, 0, 0, 1, 1]


def test_the_erasure_of_patient_or_doctor_ends_the_reminder_also_of_one_that_was_missed(
    built: Built, book: Book, clock: Clock
) -> None:
    ann, bob, doctor = fresh(), fresh("bob"), fresh("doc")
    mine, theirs = book.booked(48 * HOUR, ann), book.booked(48 * HOUR, bob, doctor=doctor)
    kept = list(built.database["reminders"].find({"appointmentId": {"$in": [mine, theirs]}}))
    assert [item["dueAt"] for item in built.export_user(ann)["reminders"]] != []
    for gone in (ann, doctor):
        event = events.UserDeleted(user_id=gone)
        built.database.transact(lambda session, event=event: built.user_deleted(event, session))
    assert (reminders(built, mine), reminders(built, theirs)) == ({}, {})
    assert built.export_user(ann)["reminders"] == []
    # late news, and what an older consumer's erasure left behind, bring nothing back
    book.booked(48 * HOUR, ann, about=mine, version=2)
    assert reminders(built, mine) == {}
    built.database["reminders"].insert_many(kept)
    clock.shift = 25 * HOUR
    assert send(built) == {"dropped": 2}
    assert (mails(built, mine), mails(built, theirs)) == ([], [])


def test_a_reminder_whose_sender_died_is_taken_over_when_its_lease_ends(
    built: Built, book: Book, clock: Clock, users: None, open_book: Any, mailbox: Mailbox
) -> None:
    ann = fresh()
    about = book.booked(48 * HOUR, ann)
    clock.shift = 25 * HOUR
    send(built)
    (mail,) = mails(built, about)
    taken = {"status": "SENDING", "claim": "dead", "attempts": 1, "nextAttemptAt": clock() + LEASE}
    built.database["mails"].update_one({"_id": mail["_id"]}, {"$set": taken})
    with open_book():
        assert deliver(built) == {}
        clock.shift += LEASE + timedelta(seconds=1)
        assert deliver(built) == {"sent": 1}
    assert len(mailbox.to(ann)) == 1
