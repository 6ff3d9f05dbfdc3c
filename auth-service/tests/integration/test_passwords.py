"""Changing and resetting a password, also under races."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from people import PASSWORD, People
from pydantic import SecretStr
from pymongo.client_session import ClientSession
from werkzeug.test import TestResponse

from auth_service import limits
from auth_service.app import create_app
from auth_service.bootstrap import Built, make_service
from auth_service.errors import InvalidCredentials, ResetTokenInvalid
from auth_service.limits import Bucket
from auth_service.passwords import Passwords
from auth_service.service import Service
from auth_service.service.sessions import Device
from auth_service.store.credentials import Credentials
from chassis.clock import new_id, now
from chassis.errors import NotFound
from chassis.mongo import Document

OTHER = "walnut-harbour-copper-4"
Tokens = dict[str, Any]
HOME = "198.51.100.1"
DEVICE = Device(name=None, user_agent=None, ip=HOME)


def post(people: People, path: str, tokens: Tokens | None = None, **body: str) -> TestResponse:
    headers = people.bearer(tokens) if tokens else {}
    return people.client.post(f"/api/v1/auth/password{path}", json=body, headers=headers)


def change(people: People, tokens: Tokens, new: str = OTHER, current: str = PASSWORD) -> TestResponse:
    return post(people, "", tokens, currentPassword=current, newPassword=new)


def reset(people: People, token: str, new: str = OTHER) -> TestResponse:
    return post(people, "/reset", token=token, newPassword=new)


def signs_in_with(people: People, tokens: Tokens, password: str) -> bool:
    return people.try_log_in(tokens["user"]["email"], password).status_code == 200


def credential_of(built: Built, tokens: Tokens) -> Document:
    found = built.database["credentials"].find_one({"_id": tokens["user"]["id"]})
    assert found
    return found


def announced(built: Built, tokens: Tokens) -> list[tuple[str, str | None]]:
    """(type, the change's kind or the audit's action) of what waits in the outbox of the user's credential."""
    data = [(event["type"], event["data"]) for event in credential_of(built, tokens)["outbox"]]
    return [(kind, content.get("by") or content.get("action")) for kind, content in data]


def last_request(built: Built, tokens: Tokens, kind: str = "RESET") -> str:
    found = built.database["oneTimeTokens"].find({"userId": tokens["user"]["id"], "kind": kind}).sort("_id", -1)
    return str(next(found)["_id"])


def reset_token(people: People, tokens: Tokens) -> str:
    """The token of the mail that is asked for."""
    assert post(people, "/forgot", email=tokens["user"]["email"]).status_code == 202
    return str(people.built.service.one_time_tokens.told(last_request(people.built, tokens))["token"])


def at(built: Built, clock: Callable[[], datetime], **settings: Any) -> Service:
    """The use cases by another clock, or with other settings."""
    config = built.config.model_copy(update=settings)
    return make_service(config, built.database, clock)


def together(count: int, work: Callable[[int], object]) -> list[object]:
    """What ``work`` answers, or raises, when all begin at the same moment."""
    barrier = Barrier(count)

    def at_once(number: int) -> object:
        barrier.wait()
        try:
            return work(number)
        except (InvalidCredentials, ResetTokenInvalid) as refused:
            return refused.code

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(at_once, range(count)))


def test_a_change_ends_every_other_session_and_the_present_one_goes_on(people: People, built: Built) -> None:
    phone = people.sign_up()
    laptop = people.log_in(phone)
    answer = change(people, laptop)
    assert (answer.status_code, answer.json["data"]) == (200, None)
    assert (people.refresh(phone).status_code, people.refresh(laptop).status_code) == (401, 200)
    assert (signs_in_with(people, phone, PASSWORD), signs_in_with(people, phone, OTHER)) == (False, True)
    assert {("password-changed", "CHANGE"), ("audit-recorded", "password.changed")} <= set(announced(built, phone))


def test_a_wrong_present_password_changes_nothing_and_is_kept_in_the_audit(people: People, built: Built) -> None:
    phone = people.sign_up()
    answer = change(people, phone, current="not the password")
    assert (answer.status_code, answer.json["code"]) == (401, "INVALID_CREDENTIALS")
    assert signs_in_with(people, phone, PASSWORD)
    entry = built.database["audit"].find_one({"outbox.data.subjectId": phone["user"]["id"]})
    assert entry
    said = entry["outbox"][0]["data"]
    assert (said["action"], said["refusedFor"]) == ("password.refused", "INVALID_CREDENTIALS")


def test_who_holds_a_stolen_session_cannot_guess_the_password_through_it(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "KNOWN_PAIR", Bucket(3, limits.KNOWN_PAIR.every))
    stolen = people.sign_up()
    for _ in range(4):
        answer = change(people, stolen, current="not the password")
    assert (answer.status_code, answer.json["code"]) == (429, "TOO_MANY_ATTEMPTS")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("new", [PASSWORD, "passwordpassword", "short", "x" * 129])
def test_the_same_or_a_guessable_password_is_no_new_one(people: People, new: str) -> None:
    answer = change(people, people.sign_up(), new)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == ["newPassword"]


def test_ones_own_name_and_address_are_guessable(people: People, built: Built) -> None:
    phone = people.sign_up()
    answer = change(people, phone, phone["user"]["email"])
    assert answer.status_code == 422


def test_of_two_changes_at_once_one_passes(people: People, built: Built) -> None:
    phone = people.sign_up()
    news = [f"{OTHER}-{number}" for number in range(5)]
    user, session = phone["user"]["id"], phone["sessionId"]
    answers = together(5, lambda number: built.service.passwords.change(user, session, PASSWORD, news[number], HOME))
    assert sorted(map(str, answers)) == ["INVALID_CREDENTIALS"] * 4 + ["None"]
    assert signs_in_with(people, phone, news[answers.index(None)])


def test_a_hash_is_renewed_at_the_next_sign_in_when_the_costs_rose(people: People, built: Built) -> None:
    phone = people.sign_up()
    before = credential_of(built, phone)["passwordHash"]
    email = phone["user"]["email"]
    dearer = at(built, now, argon2_time_cost=3)
    with pytest.raises(InvalidCredentials):
        dearer.accounts.log_in(email, "not the password", DEVICE)
    assert credential_of(built, phone)["passwordHash"] == before
    dearer.accounts.log_in(email, PASSWORD, DEVICE)
    after = credential_of(built, phone)["passwordHash"]
    assert "t=3" in after
    assert signs_in_with(people, phone, PASSWORD)
    assert credential_of(built, phone)["passwordHash"] == after


def test_a_renewed_hash_never_brings_back_a_password_that_was_changed_meanwhile(
    people: People, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = people.sign_up()
    dearer = at(built, now, argon2_time_cost=3)
    hashing = Passwords.hash

    def changed_meanwhile(passwords: Passwords, password: str) -> str:
        monkeypatch.setattr(Passwords, "hash", hashing)
        changed = change(people, phone)
        assert changed.status_code == 200
        return hashing(passwords, password)

    monkeypatch.setattr(Passwords, "hash", changed_meanwhile)
    with pytest.raises(InvalidCredentials):
        dearer.accounts.log_in(phone["user"]["email"], PASSWORD, DEVICE)
    assert (signs_in_with(people, phone, PASSWORD), signs_in_with(people, phone, OTHER)) == (False, True)


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
