"""Showing that mail to an address arrives."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from people import People
from werkzeug.test import TestResponse

from auth_service.app import create_app
from auth_service.bootstrap import Built, make_service
from chassis.clock import new_id, now
from chassis.errors import NotFound
from chassis.mongo import Document

Tokens = dict[str, Any]


def verify(people: People, token: str) -> TestResponse:
    return people.client.post("/api/v1/auth/email/verify", json={"token": token})


def resend(people: People, tokens: Tokens) -> int:
    return people.client.post("/api/v1/auth/email/resend", headers=people.bearer(tokens)).status_code


def mails(built: Built, tokens: Tokens) -> list[Document]:
    """The mails that were asked for, the last one first."""
    asked = built.database["oneTimeTokens"].find({"userId": tokens["user"]["id"], "kind": "VERIFY"})
    return list(asked.sort("_id", -1))


def mailed(built: Built, tokens: Tokens) -> str:
    return str(built.service.one_time_tokens.told(mails(built, tokens)[0]["_id"])["token"])


def announcements(built: Built, tokens: Tokens) -> list[str]:
    credential = built.database["credentials"].find_one({"_id": tokens["user"]["id"]})
    assert credential
    return [event["type"] for event in credential["outbox"] if event["type"] != "audit-recorded"]


def test_signing_up_asks_for_the_first_mail_and_its_token_verifies(people: People, built: Built) -> None:
    phone = people.sign_up()
    assert [[event["type"] for event in mail["outbox"]] for mail in mails(built, phone)] == [
        ["email-verification-requested"]
    ]
    answer = verify(people, mailed(built, phone))
    assert (answer.status_code, answer.json["data"]) == (200, {"emailVerified": True})
    assert announcements(built, phone) == ["user-registered", "email-verified"]
    assert people.claims(people.log_in(phone))["email_verified"] is True


def test_clicking_again_or_twice_at_once_is_the_same_as_once(people: People, built: Built) -> None:
    phone = people.sign_up()
    token = mailed(built, phone)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: built.service.verification.verify(token), range(8)))
    assert verify(people, token).status_code == 200
    assert announcements(built, phone).count("email-verified") == 1
    with pytest.raises(NotFound):
        mailed(built, phone)


def test_unknown_and_expired_tokens_and_those_for_a_password_are_refused_alike(people: People, built: Built) -> None:
    phone = people.sign_up()
    token = mailed(built, phone)
    people.client.post("/api/v1/auth/password/forgot", json={"email": phone["user"]["email"]})
    request = built.database["oneTimeTokens"].find_one({"userId": phone["user"]["id"], "kind": "RESET"})
    assert request
    reset = built.service.one_time_tokens.told(request["_id"])["token"]
    tomorrow = make_service(built.config, built.database, lambda: now() + timedelta(hours=24))
    late = People(create_app(replace(built, service=tomorrow)).test_client(), built)
    answers = [verify(people, bad) for bad in ("x", f"{new_id()}.x", f"{token}x", reset)] + [verify(late, token)]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.json["code"] for answer in answers} == {"VERIFICATION_TOKEN_INVALID"}
    assert announcements(built, phone) == ["user-registered"]


def test_the_mail_can_be_had_again_three_times_an_hour_and_not_once_verified(people: People, built: Built) -> None:
    phone, laptop = people.sign_up(), people.sign_up()
    assert [resend(people, phone) for _ in range(5)] == [202] * 5
    assert len(mails(built, phone)) == 1 + 3
    verify(people, mailed(built, laptop))
    assert resend(people, laptop) == 202
    assert len(mails(built, laptop)) == 1


def test_a_purged_account_is_neither_verified_nor_mailed(people: People, built: Built) -> None:
    phone = people.sign_up()
    token = mailed(built, phone)
    people.purge(phone)
    assert verify(people, token).status_code == 401
    assert resend(people, phone) == 401
    assert mails(built, phone) == []
