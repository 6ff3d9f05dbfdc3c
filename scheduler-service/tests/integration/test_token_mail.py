"""Mails that carry a token: it is asked for as they are sent, and is nowhere else."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from stand_ins import Building, Mailbox, Refusal, appointment, peer

from chassis.clock import instant_text, new_id, now
from chassis.mongo import Document
from chassis.rpc import RpcClient
from scheduler_service import events, letters
from scheduler_service.bootstrap import Built

TOKEN = "019d784b22f1c0a85b11d3e9a7704c2e.canary-Zm9vYmFyX2NhbmFyeQ"
STATUS = {"deleted": "DELETED", "suspended": "SUSPENDED"}


def contact(user_id: str) -> dict[str, Any]:
    """A person whose id begins with what became of the account, where it is not active."""
    status = STATUS.get(user_id.partition("-")[0], "ACTIVE")
    return {"email": f"{user_id}@clinic.example", "name": "Ann Lee", "timezone": None, "status": status}


def token(token_request_id: str) -> dict[str, str]:
    if token_request_id.startswith("used"):
        raise Refusal(404, "NOT_FOUND")
    expires = now() + timedelta(minutes=-1 if token_request_id.startswith("late") else 30)
    return {"token": TOKEN, "expiresAt": instant_text(expires)}


@pytest.fixture
def users(amqp_url: str) -> Iterator[None]:
    with peer(amqp_url, "user-service", contact=contact):
        yield


def fresh(prefix: str = "ann") -> str:
    return f"{prefix}-{new_id()}"


def ask(built: Built, user_id: str, request_id: str | None = None, *, verify: bool = False) -> str:
    """The wish for a mail with a token; the mail's id."""
    event = events.TokenRequested(user_id=user_id, request_id=request_id or new_id())
    post = built.post.email_verification_requested if verify else built.post.password_reset_requested
    built.database.transact(lambda session: post(event, session))
    return f"{'email-verification' if verify else 'password-reset'}:{event.request_id}"


def tell(built: Built, told: Callable[..., None], event: Any) -> None:
    built.database.transact(lambda session: told(event, session))


def deliver(built: Built) -> dict[str, int | str]:
    return built.delivery.deliver(lambda: True)


def mail_of(built: Built, mail_id: str) -> Document:
    found = built.database["mails"].find_one({"_id": mail_id})
    assert found is not None
    return found


def everything(built: Built) -> str:
    return repr([list(built.database[name].find()) for name in built.database.db.list_collection_names()])


def test_the_token_and_its_link_reach_the_person_and_no_collection(
    built_from: Building, env: dict[str, str], built: Built, users: None, amqp_url: str, mailbox: Mailbox
) -> None:
    ann, request_id = fresh(), new_id()
    ask(built, ann, request_id)
    ask(built, ann, verify=True)
    with (
        built_from({**env, "PUBLIC_URL": "https://clinic.example"}) as public,
        peer(amqp_url, "auth-service", one_time_token=token) as auth,
    ):
        assert deliver(public) == {"sent": 2}
    assert {"token_request_id": request_id} in auth.called("one_time_token")
    by_subject = {mail["Subject"]: mail.get_content().splitlines() for mail in mailbox.to(ann)}
    assert by_subject.keys() == {"Set a new password", "Confirm your e-mail address"}
    assert all(TOKEN in lines for lines in by_subject.values())
    assert f"https://clinic.example/reset-password?token={TOKEN}" in by_subject["Set a new password"]
    assert f"https://clinic.example/verify-email?token={TOKEN}" in by_subject["Confirm your e-mail address"]
    assert "canary" not in everything(built)
    assert mail_of(built, f"password-reset:{request_id}")["facts"] == {"requestId": request_id}


@pytest.mark.parametrize("request_id", ["used", "late"])
def test_a_token_that_works_no_more_is_not_sent(
    built: Built, users: None, amqp_url: str, mailbox: Mailbox, request_id: str
) -> None:
    ann = fresh()
    mail_id = ask(built, ann, fresh(request_id))
    with peer(amqp_url, "auth-service", one_time_token=token):
        assert deliver(built) == {"dropped": 1}
    assert mailbox.to(ann) == []
    dropped = mail_of(built, mail_id)
    assert (dropped["status"], "nextAttemptAt" in dropped, "keepUntil" in dropped) == ("DROPPED", False, True)


def test_while_auth_service_is_away_mails_with_tokens_wait_and_all_others_go(
    built: Built, users: None, amqp_url: str, mailbox: Mailbox
) -> None:
    ann, bob = fresh(), fresh("bob")
    waiting = [ask(built, ann), ask(built, ann, verify=True)]
    tell(built, built.post.user_registered, events.UserRegistered(user_id=bob))
    assert deliver(built) == {"sent": 1, "reason": "auth-service is away"}
    assert [mail["Subject"] for mail in mailbox.to(bob)] == ["Welcome"]
    for mail_id in waiting:
        mail = mail_of(built, mail_id)
        assert (mail["status"], mail["attempts"], mail["error"]) == ("PENDING", 0, None)
        assert mail["nextAttemptAt"] > now()
        built.database["mails"].update_one({"_id": mail_id}, {"$set": {"nextAttemptAt": now()}})
    with peer(amqp_url, "auth-service", one_time_token=token):
        assert deliver(built) == {"sent": 2}


def test_an_auth_service_that_is_away_is_asked_once_in_a_round(
    built: Built, users: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    call = RpcClient.call

    def counted(self: RpcClient, service: str, method: str, **arguments: Any) -> Any:
        asked.append(service)
        return call(self, service, method, **arguments)

    monkeypatch.setattr(RpcClient, "call", counted)
    for _ in range(3):
        ask(built, fresh())
    assert deliver(built) == {"reason": "auth-service is away"}
    assert (asked.count("user-service"), asked.count("auth-service")) == (3, 1)


def test_a_token_is_in_no_log_and_no_record_where_its_mail_cannot_be_sent(
    built: Built,
    users: None,
    amqp_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    refused, unwritable = fresh("bad"), fresh("odd")
    mail_ids = [ask(built, refused), ask(built, unwritable)]
    message = letters.message

    def repeating(mail_id: str, letter: letters.Letter, *, recipient: str, **more: Any) -> Any:
        if unwritable in recipient:
            raise ValueError(f"cannot write {letter.text} to {recipient}")
        return message(mail_id, letter, recipient=recipient, **more)

    monkeypatch.setattr(letters, "message", repeating)
    with peer(amqp_url, "auth-service", one_time_token=token):
        assert deliver(built) == {"pending": 2}
    assert [mail_of(built, mail_id)["error"] for mail_id in mail_ids] == ["SMTP 550", "ValueError"]
    out, err = capfd.readouterr()
    assert "mail could not be made" in out
    assert "canary" not in out + err + everything(built)
    assert "@clinic" not in out + err


def test_somebody_whose_account_is_closed_gets_what_a_recovery_needs_and_no_more(
    built: Built, users: None, amqp_url: str, mailbox: Mailbox
) -> None:
    def now_as(appointment_id: str, user_id: str) -> dict[str, Any]:
        return appointment("COMPLETED" if appointment_id.startswith("done") else "CANCELLED", 2)

    with (
        peer(amqp_url, "auth-service", one_time_token=token) as auth,
        peer(amqp_url, "appointment-service", appointment_now=now_as),
    ):
        for gone in (fresh("deleted"), fresh("suspended")):
            request_id = new_id()
            ask(built, gone, request_id)
            ask(built, gone, verify=True)
            tell(built, built.post.user_registered, events.UserRegistered(user_id=gone))
            cancelled = events.AppointmentChanged(
                appointment_id=new_id(),
                doctor_id=fresh(),
                patient_id=gone,
                start=now(),
                timezone="UTC",
                status="CANCELLED",
                version=2,
                by="system",
            )
            tell(built, built.appointments.cancelled, cancelled)
            completed = cancelled.model_copy(update={"appointment_id": fresh("done"), "status": "COMPLETED"})
            tell(built, built.appointments.completed, completed)
            tell(built, built.post.password_changed, events.PasswordChanged(user_id=gone, changed_at=now(), by="RESET"))
            # its doctor is told of the cancellation too
            assert deliver(built) == {"sent": 4, "dropped": 3}
            assert {mail["Subject"].partition(":")[0] for mail in mailbox.to(gone)} == {
                "Set a new password",
                "Cancelled",
                "Your password was changed",
            }
            assert auth.calls.pop() == ("one_time_token", {"token_request_id": request_id})
            assert auth.calls == []
