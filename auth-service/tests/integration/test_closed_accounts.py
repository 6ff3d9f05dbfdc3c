"""Accounts that are suspended, deleted, and opened again, in whatever order the news of it comes."""

from types import SimpleNamespace
from typing import Any

import pytest
from people import People

from auth_service.bootstrap import Built
from chassis.clock import new_id


def test_a_suspended_user_is_told_so_only_with_the_right_password(people: People) -> None:
    account = people.sign_up()
    people.suspend(account)
    right, wrong = (
        people.try_log_in(account["user"]["email"]),
        people.try_log_in(account["user"]["email"], "not the password"),
    )
    assert (right.status_code, right.json["code"]) == (403, "ACCOUNT_SUSPENDED")
    unknown = people.try_log_in(f"{new_id()}@clinic.example", "not the password")
    assert (wrong.status_code, {**wrong.json, "requestId": ""}) == (401, {**unknown.json, "requestId": ""})
    assert people.refresh(account).status_code == 401


def test_a_deleted_user_with_a_wrong_password_is_answered_as_nobody(people: People) -> None:
    account = people.sign_up()
    people.deactivate(account)
    wrong = people.try_log_in(account["user"]["email"], "not the password")
    unknown = people.try_log_in(f"{new_id()}@clinic.example", "not the password")
    assert (wrong.status_code, {**wrong.json, "requestId": ""}) == (401, {**unknown.json, "requestId": ""})
    assert {*wrong.headers.keys()} == {*unknown.headers.keys()}
    assert people.try_log_in(account["user"]["email"]).json["code"] == "ACCOUNT_DELETED"


def test_a_suspension_that_is_told_after_its_end_changes_nothing(people: People) -> None:
    account = people.sign_up()
    people.reinstate(account, version=3)
    again = people.log_in(account)
    people.suspend(account, version=2)
    assert people.try_log_in(account["user"]["email"]).status_code == 200
    assert people.refresh(again).status_code == 200


def test_a_reinstated_account_has_no_session_of_before(people: People) -> None:
    account = people.sign_up()
    # its suspension has not been heard of yet
    people.reinstate(account, version=3)
    assert people.refresh(account).status_code == 401
    assert [item["reason"] for item in people.revocations(account)] == ["SUSPENDED"]


@pytest.fixture
def user_service(built: Built, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A user-service that lets every account be recovered, as version 3."""

    def call(service: str, method: str, *, timeout: float, user_id: str) -> dict[str, Any]:
        assert (service, method) == ("user-service", "recover_account")
        other.meanwhile()
        return {"version": 3}

    other = SimpleNamespace(call=call, meanwhile=lambda: None)
    monkeypatch.setattr(built.service.accounts, "_rpc", other)
    return other


@pytest.mark.usefixtures("user_service")
def test_recovery_ends_what_was_before_though_the_deletion_is_told_only_later(people: People) -> None:
    before = people.sign_up()
    after = people.recover(before).json["data"]
    people.deactivate(before, version=2)
    assert people.refresh(before).json["code"] == "REFRESH_TOKEN_INVALID"
    assert people.refresh(after).status_code == 200
    assert [(item["reason"], item["sessionIds"]) for item in people.revocations(before)] == [
        ("DELETED", [before["sessionId"]])
    ]


def test_the_news_of_a_recovery_ends_what_was_before_too(people: People) -> None:
    account = people.sign_up()
    people.news_of_recovery(account)
    assert people.refresh(account).status_code == 401


def test_an_account_that_is_suspended_while_it_is_recovered_opens_no_session(
    people: People, user_service: SimpleNamespace
) -> None:
    account = people.sign_up()
    user_service.meanwhile = lambda: people.suspend(account, version=4)
    assert people.recover(account).status_code == 503
    assert people.built.service.sessions.live(account["user"]["id"]) == []
    assert people.try_log_in(account["user"]["email"]).json["code"] == "ACCOUNT_SUSPENDED"
