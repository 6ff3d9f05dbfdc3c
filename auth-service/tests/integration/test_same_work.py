"""Whether there is an account shows neither in an answer nor in the work that is done for it."""

from collections.abc import Callable
from typing import Any

import pytest
from argon2 import PasswordHasher
from people import PASSWORD, People
from werkzeug.test import TestResponse

from auth_service.bootstrap import Built
from chassis.clock import new_id

Work = list[tuple[str, str]]


def asked_of_the_database(built: Built, act: Callable[[], object]) -> Work:
    """(command, collection) of all that was asked meanwhile, in order, as the database itself recorded it."""
    db = built.database.db
    db.command("profile", 2, filter={"appName": "auth-service"})
    try:
        act()
    finally:
        db.command("profile", 0)
    seen = [(next(iter(entry["command"])), entry["ns"]) for entry in db["system.profile"].find().sort("$natural", 1)]
    db["system.profile"].drop()
    return seen


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each computation of argon2 as it is made."""
    made: list[str] = []
    for name in ("hash", "verify"):
        original: Any = getattr(PasswordHasher, name)

        def counted(*given: Any, original: Any = original, name: str = name) -> Any:
            made.append(name)
            return original(*given)

        monkeypatch.setattr(PasswordHasher, name, counted)
    return made


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, str({**answer.json, "requestId": ""})


def addresses(people: People) -> list[str]:
    """Of nobody, and of an active, a suspended and a deleted account."""
    accounts = [people.sign_up() for _ in range(3)]
    people.suspend(accounts[1])
    people.deactivate(accounts[2])
    return [f"{new_id()}@clinic.example", *(account["user"]["email"] for account in accounts)]


@pytest.mark.parametrize("path", ["login", "recover"])
def test_a_wrong_password_costs_the_same_for_nobody_and_for_everybody(
    people: People, built: Built, computed: list[str], path: str
) -> None:
    answers, works, computations = set(), [], []
    for email in addresses(people):
        computed.clear()
        body = {"email": email, "password": "not the password"}
        works.append(
            asked_of_the_database(
                built, lambda body=body: answers.add(told(people.client.post(f"/api/v1/auth/{path}", json=body)))
            )
        )
        computations.append(list(computed))
    assert len(answers) == 1
    assert computations == [["verify"]] * 4
    assert works == [works[0]] * 4
    assert len(works[0]) == 5


def test_a_forgotten_password_costs_the_same_for_nobody_and_for_everybody(
    people: People, built: Built, computed: list[str]
) -> None:
    emails = addresses(people)
    computed.clear()
    answers, works = set(), []
    for email in emails:
        path, body = "/api/v1/auth/password/forgot", {"email": email}
        works.append(
            asked_of_the_database(
                built, lambda path=path, body=body: answers.add(told(people.client.post(path, json=body)))
            )
        )
    assert len(answers) == 1
    assert answers.pop()[0] == 202
    assert computed == []
    assert works == [works[0]] * 4
    assert {str(decoy["outbox"]) for decoy in built.database["oneTimeTokens"].find({"userId": None})} == {"[]"}


def test_the_right_password_of_a_suspended_account_is_told_why(people: People, computed: list[str]) -> None:
    account = people.sign_up()
    people.suspend(account)
    computed.clear()
    answer = people.try_log_in(account["user"]["email"], PASSWORD)
    assert (answer.status_code, answer.json["code"]) == (403, "ACCOUNT_SUSPENDED")
    assert computed == ["verify"]
