"""Sending what is due."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from prometheus_client import REGISTRY
from stand_ins import Building, Mailbox, Refusal, peer

from chassis import context
from chassis.clock import new_id, now
from scheduler_service import events
from scheduler_service.bootstrap import Built
from scheduler_service.delivery import LONGEST_RUN
from scheduler_service.domain import LEASE, MAILS_KEPT, MOST_ATTEMPTS, NEWCOMER
from scheduler_service.looks import looks


def contact(user_id: str) -> dict[str, Any]:
    """A person whose id is the part of the address before the @."""
    return {
        "email": f"{user_id}@clinic.example",
        "name": "Ann Lee",
        "locale": "en",
        "timezone": None,
        "status": "ACTIVE",
    }


def gone(user_id: str) -> dict[str, Any]:
    raise Refusal(404, "NOT_FOUND")


def welcome(built: Built, user_id: str) -> str:
    """A mail that is due; its id."""
    event = events.UserRegistered(user_id=user_id)
    built.database.transact(lambda session: built.post.user_registered(event, session))
    return f"user-registered:{user_id}"


def deliver(built: Built) -> dict[str, int | str]:
    return built.delivery.deliver(lambda: True)


def mail_of(built: Built, mail_id: str) -> dict[str, Any]:
    found = built.database["mails"].find_one({"_id": mail_id})
    assert found is not None
    return found


def change(built: Built, mail_id: str, **fields: Any) -> None:
    built.database["mails"].update_one({"_id": mail_id}, {"$set": fields})


def fresh(prefix: str = "ann") -> str:
    return f"{prefix}-{new_id()}"


def test_a_due_mail_is_sent_once(built: Built, amqp_url: str, mailbox: Mailbox) -> None:
    ann = fresh()
    mail_id = welcome(built, ann)
    with peer(amqp_url, "user-service", contact=contact):
        assert deliver(built) == {"sent": 1}
        assert deliver(built) == {}
    (mail,) = mailbox.to(f"{ann}@clinic.example")
    assert mail["Subject"] == "Welcome"
    assert "Hello Ann Lee," in mail.get_content()
    stored = mail_of(built, mail_id)
    assert stored["status"] == "SENT"
    assert stored["keepUntil"] == stored["sentAt"] + MAILS_KEPT
    assert "@clinic" not in repr(stored)


def test_a_mail_bears_the_id_of_the_request_that_caused_it_and_metrics_tell_of_it(
    built: Built, amqp_url: str, mailbox: Mailbox
) -> None:
    sent = {"template": "welcome", "outcome": "sent"}
    before = REGISTRY.get_sample_value("mails_total", sent) or 0
    ann = fresh()
    with context.bound("caused-by-ann", event_id="e1"):
        mail_id = welcome(built, ann)
    assert mail_of(built, mail_id)["cause"] == {"requestId": "caused-by-ann", "eventId": "e1"}
    at_mails = looks(built.database)[1].do
    at_mails()
    assert REGISTRY.get_sample_value("mails_waiting") == 1
    # of before, when nothing was noted
    old = welcome(built, fresh("old"))
    built.database["mails"].update_one({"_id": old}, {"$unset": {"cause": ""}})
    with context.bound("run-of-the-job"), peer(amqp_url, "user-service", contact=contact):
        assert deliver(built) == {"sent": 2}
    told = [mail["X-Request-Id"] for mail in mailbox.mails[-2:]]
    assert told == ["caused-by-ann", "run-of-the-job"]
    at_mails()
    assert REGISTRY.get_sample_value("mails_waiting") == 0
    assert REGISTRY.get_sample_value("mails_total", sent) == before + 2


def test_a_long_run_leaves_the_rest_to_the_next_that_other_jobs_get_their_turn(
    built: Built, amqp_url: str, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        welcome(built, fresh())
    took = timedelta()

    def take_long() -> bool:
        nonlocal took
        took += LONGEST_RUN
        return True

    monkeypatch.setattr(built.delivery, "_now", lambda: now() + took)
    with peer(amqp_url, "user-service", contact=contact):
        assert built.delivery.deliver(take_long) == {"sent": 1}
        assert deliver(built) == {"sent": 2}


def test_one_bad_address_stops_nobody_elses_mail(built: Built, amqp_url: str, mailbox: Mailbox) -> None:
    bad, ann, bob = fresh("bad"), fresh("ann"), fresh("bob")
    mail_id = welcome(built, bad)
    for person in (ann, bob):
        welcome(built, person)
    with peer(amqp_url, "user-service", contact=contact):
        assert deliver(built) == {"sent": 2, "pending": 1}
    assert len(mailbox.to(ann)) == len(mailbox.to(bob)) == 1
    refused = mail_of(built, mail_id)
    assert (refused["status"], refused["attempts"], refused["error"]) == ("PENDING", 1, "SMTP 550")
    assert refused["nextAttemptAt"] > now() + timedelta(seconds=10)


def test_an_address_that_is_none_is_one_mails_trouble(built: Built, amqp_url: str, mailbox: Mailbox) -> None:
    odd, ann = fresh("odd"), fresh("ann")
    welcome(built, odd)
    welcome(built, ann)

    def answer(user_id: str) -> dict[str, Any]:
        person = contact(user_id)
        return {**person, "email": "a\r\nRCPT TO:<eve@evil.example>"} if user_id == odd else person

    with peer(amqp_url, "user-service", contact=answer):
        assert deliver(built) == {"pending": 1, "sent": 1}
    assert len(mailbox.to(ann)) == 1
    assert not mailbox.to("evil.example")


def test_a_name_with_newlines_adds_no_header(built: Built, amqp_url: str, mailbox: Mailbox) -> None:
    ann = fresh()
    welcome(built, ann)
    with peer(
        amqp_url, "user-service", contact=lambda user_id: {**contact(user_id), "name": "Ann\r\nBcc: eve@evil.example"}
    ):
        assert deliver(built) == {"sent": 1}
    (mail,) = mailbox.to(ann)
    assert mail["Bcc"] is None


def test_after_eight_attempts_a_mail_has_failed(built: Built, amqp_url: str) -> None:
    mail_id = welcome(built, fresh("bad"))
    with peer(amqp_url, "user-service", contact=contact):
        for _ in range(MOST_ATTEMPTS):
            deliver(built)
            if mail_of(built, mail_id)["status"] == "PENDING":
                change(built, mail_id, nextAttemptAt=now())
        assert deliver(built) == {}
    failed = mail_of(built, mail_id)
    assert (failed["status"], failed["attempts"]) == ("FAILED", MOST_ATTEMPTS)
    assert "keepUntil" in failed


def test_mail_to_nobody_is_dropped_but_a_newcomer_is_waited_for(built: Built, amqp_url: str) -> None:
    newcomer, old = welcome(built, fresh()), welcome(built, fresh())
    change(built, old, createdAt=now() - NEWCOMER - timedelta(seconds=1))
    with peer(amqp_url, "user-service", contact=gone):
        assert deliver(built) == {"pending": 1, "dropped": 1}
    assert mail_of(built, newcomer)["status"] == "PENDING"
    assert mail_of(built, old)["status"] == "DROPPED"


def test_the_absence_of_user_service_is_counted_against_no_mail(built: Built) -> None:
    mail_ids = [welcome(built, fresh()) for _ in range(2)]
    assert deliver(built) == {"reason": "user-service is away"}
    assert [mail_of(built, mail_id)["attempts"] for mail_id in mail_ids] == [0, 0]


def test_the_absence_of_the_mail_server_is_counted_against_no_mail(
    built_from: Building, env: dict[str, str], amqp_url: str, built: Built
) -> None:
    mail_id = welcome(built, fresh())
    with (
        built_from({**env, "SMTP_URL": "smtp://127.0.0.1:1"}) as cut_off,
        peer(amqp_url, "user-service", contact=contact),
    ):
        assert deliver(cut_off) == {"reason": "the mail server is away"}
    waiting = mail_of(built, mail_id)
    assert (waiting["status"], waiting["attempts"]) == ("PENDING", 0)


def test_without_a_mail_server_mail_waits_and_the_job_says_so(
    built_from: Building, env: dict[str, str], built: Built
) -> None:
    mail_id = welcome(built, fresh())
    with built_from({**env, "SMTP_URL": ""}) as mute:
        assert deliver(mute) == {"reason": "SMTP_URL is not set: mail waits"}
    assert (mail_of(built, mail_id)["status"], mail_of(built, mail_id)["attempts"]) == ("PENDING", 0)


@pytest.mark.parametrize("url", ["smtp://{}?starttls=required", "smtp://user:password@{}"])
def test_no_mail_and_no_password_goes_in_the_clear_where_that_was_ruled_out(
    built_from: Building, env: dict[str, str], built: Built, amqp_url: str, mailbox: Mailbox, url: str
) -> None:
    ann = fresh()
    welcome(built, ann)
    with (
        built_from({**env, "SMTP_URL": url.format(f"127.0.0.1:{mailbox.port}")}) as careful,
        peer(amqp_url, "user-service", contact=contact),
    ):
        assert deliver(careful) == {"reason": "the mail server is away"}
    assert not mailbox.to(ann)


def test_two_senders_at_once_send_each_mail_once(built: Built, amqp_url: str, mailbox: Mailbox) -> None:
    people = [fresh() for _ in range(20)]
    for person in people:
        welcome(built, person)
    barrier = Barrier(4)

    def at_once(_: int) -> dict[str, int | str]:
        barrier.wait()
        return deliver(built)

    with peer(amqp_url, "user-service", contact=contact), ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(at_once, range(4)))
    assert sum(int(count.get("sent", 0)) for count in counts) == 20
    assert [len(mailbox.to(person)) for person in people] == [1] * 20


def test_a_mail_whose_sender_died_is_taken_over_when_its_lease_ends(
    built: Built, amqp_url: str, mailbox: Mailbox
) -> None:
    ann = fresh()
    mail_id = welcome(built, ann)
    change(built, mail_id, status="SENDING", claim="dead", attempts=1, nextAttemptAt=now() + LEASE)
    with peer(amqp_url, "user-service", contact=contact):
        assert deliver(built) == {}
        change(built, mail_id, nextAttemptAt=now())
        assert deliver(built) == {"sent": 1}
    assert len(mailbox.to(ann)) == 1
