"""Resetting a forgotten password, also under races."""

from dataclasses import replace
from datetime import timedelta

import pytest
from password_steps import (
    HOME,
    OTHER,
    announced,
    at,
    change,
    credential_of,
    last_request,
    post,
    reset,
    reset_token,
    signs_in_with,
    together,
)
from people import PASSWORD, People
from pydantic import SecretStr
from pymongo.client_session import ClientSession

from auth_service.app import create_app
from auth_service.bootstrap import Built
from auth_service.store.credentials import Credentials
from chassis.clock import new_id, now
from chassis.errors import NotFound
from chassis.mongo import Document


def test_a_reset_ends_every_session_and_proves_the_address(people: People, built: Built) -> None:
    phone = people.sign_up()
    answer = reset(people, reset_token(people, phone))
    assert answer.status_code == 200
    assert people.refresh(phone).status_code == 401
    assert (signs_in_with(people, phone, PASSWORD), signs_in_with(people, phone, OTHER)) == (False, True)
    assert credential_of(built, phone)["emailVerified"] is True
    assert {
        ("password-changed", "RESET"),
        ("audit-recorded", "password.reset"),
        ("email-verified", None),
        ("audit-recorded", "email.verified"),
    } <= set(announced(built, phone))


def test_a_reset_token_works_once_even_for_twenty_at_once(people: People, built: Built) -> None:
    phone = people.sign_up()
    token = reset_token(people, phone)
    news = [f"{OTHER}-{number}" for number in range(20)]
    answers = together(20, lambda number: built.service.passwords.reset(token, news[number], HOME))
    assert sorted(map(str, answers)) == ["None"] + ["RESET_TOKEN_INVALID"] * 19
    assert signs_in_with(people, phone, news[answers.index(None)])
    assert announced(built, phone).count(("password-changed", "RESET")) == 1


def test_unknown_wrong_used_voided_and_expired_tokens_get_the_same_answer(people: People, built: Built) -> None:
    phone = people.sign_up()
    voided, used = reset_token(people, phone), reset_token(people, phone)
    expired = people.sign_up()
    old = reset_token(people, expired)
    assert reset(people, used).status_code == 200
    verification = built.service.one_time_tokens.told(last_request(built, expired, "VERIFY"))["token"]
    late = create_app(replace(built, service=at(built, lambda: now() + timedelta(minutes=30))))
    bad = [f"{new_id()}.x", "x", f"{used.partition('.')[0]}.x", used, voided, verification]
    answers = [reset(people, token) for token in bad]
    answers.append(reset(People(late.test_client(), built), old))
    built.database["attempts"].delete_many({})
    assert [answer.status_code for answer in answers] == [401] * 7
    assert len({str({**answer.json, "requestId": ""}) for answer in answers}) == 1
    assert signs_in_with(people, expired, PASSWORD)


def test_a_weak_new_password_does_not_spend_the_token(people: People, built: Built) -> None:
    phone = people.sign_up()
    token = reset_token(people, phone)
    weak = reset(people, token, "passwordpassword")
    assert (weak.status_code, weak.json["errors"][0]["field"]) == (422, "newPassword")
    assert reset(people, token).status_code == 200


def test_a_changed_password_voids_the_reset_that_a_stranger_asked_for(people: People, built: Built) -> None:
    phone = people.sign_up()
    token = reset_token(people, phone)
    change(people, phone)
    assert reset(people, token, PASSWORD).status_code == 401


def test_a_deleted_account_can_reset_so_that_it_can_be_recovered_and_stays_deleted(
    people: People, built: Built
) -> None:
    phone = people.sign_up()
    people.deactivate(phone)
    token = reset_token(people, phone)
    assert reset(people, token).status_code == 200
    assert people.try_log_in(phone["user"]["email"], OTHER).json["code"] == "ACCOUNT_DELETED"


def test_after_the_secret_was_changed_what_was_mailed_before_still_works(people: People, built: Built) -> None:
    phone = people.sign_up()
    token = reset_token(people, phone)
    secrets = {
        "jwt_refresh_secret": SecretStr("Yw8!only-for-tests-5d1f07a2c94e6bb8"),
        "jwt_previous_refresh_secrets": (built.config.jwt_refresh_secret,),
    }
    rotated = at(built, now, **secrets)
    assert rotated.one_time_tokens.told(last_request(built, phone))["token"] == token
    rotated.passwords.reset(token, OTHER, HOME)
    assert signs_in_with(people, phone, OTHER)


def test_the_token_is_told_to_who_mails_it_until_it_is_used_or_expired(people: People, built: Built) -> None:
    phone = people.sign_up()
    token = reset_token(people, phone)
    request_id = last_request(built, phone)
    with pytest.raises(NotFound):
        at(built, lambda: now() + timedelta(minutes=30)).one_time_tokens.told(request_id)
    reset(people, token)
    for unknown in (request_id, new_id(), ""):
        with pytest.raises(NotFound):
            built.service.one_time_tokens.told(unknown)


def test_a_fourth_mail_in_an_hour_is_not_sent_and_nobody_is_told(people: People, built: Built) -> None:
    phone = people.sign_up()
    answers = [post(people, "/forgot", email=phone["user"]["email"]) for _ in range(5)]
    assert len({(answer.status_code, str({**answer.json, "requestId": ""})) for answer in answers}) == 1
    asked = built.database["oneTimeTokens"].find({"userId": phone["user"]["id"], "kind": "RESET"})
    assert [[event["type"] for event in document["outbox"]] for document in asked] == [["password-reset-requested"]] * 3


def test_no_one_time_token_is_stored_or_announced(people: People, built: Built) -> None:
    secret = reset_token(people, people.sign_up()).partition(".")[2]
    names = built.database.db.list_collection_names()
    assert secret not in repr([list(built.database[name].find()) for name in names])


def test_a_purge_takes_tokens_and_tries_along_and_no_mail_is_asked_for_after(people: People, built: Built) -> None:
    phone = people.sign_up()
    token = reset_token(people, phone)
    people.log_in(phone)
    people.purge(phone)
    # what is left counts for the client's address alone
    assert [document.get("account") for document in built.database["attempts"].find()] == [None]
    post(people, "/forgot", email=phone["user"]["email"])
    assert built.database["oneTimeTokens"].count_documents({"userId": phone["user"]["id"]}) == 0
    assert reset(people, token).status_code == 401


def test_a_mail_that_is_asked_for_during_the_purge_does_not_outlive_it(
    people: People, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = people.sign_up()
    reading = Credentials.by_email

    def purged_meanwhile(credentials: Credentials, email: str, session: ClientSession) -> Document | None:
        found = reading(credentials, email, session)
        monkeypatch.setattr(Credentials, "by_email", reading)
        people.purge(phone)
        return found

    monkeypatch.setattr(Credentials, "by_email", purged_meanwhile)
    assert post(people, "/forgot", email=phone["user"]["email"]).status_code == 202
    assert built.database["oneTimeTokens"].count_documents({"userId": phone["user"]["id"]}) == 0
