"""Changing a password, and renewing its hash, also under races."""

import pytest
from password_steps import (
    DEVICE,
    HOME,
    OTHER,
    announced,
    at,
    change,
    credential_of,
    signs_in_with,
    together,
)
from people import PASSWORD, People

from auth_service import limits
from auth_service.bootstrap import Built
from auth_service.errors import InvalidCredentials
from auth_service.limits import Bucket
from auth_service.passwords import Passwords
from chassis.clock import now


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
