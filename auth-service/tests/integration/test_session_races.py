"""What must be decided once, or in one order only, though it happens at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest
from people import People

from auth_service.bootstrap import Built
from auth_service.errors import RefreshTokenInvalid, RefreshTokenReused
from auth_service.service.sessions import MOST, Device
from chassis.clock import new_id

DEVICE = Device(None, None, "127.0.0.1")


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run them together; what each returned, or the refusal that it raised."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return act()
        except (RefreshTokenInvalid, RefreshTokenReused) as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def open_session(built: Built, user_id: str) -> str | None:
    """What signing in does once the password was checked: the refresh token, None if it is refused."""
    credential = built.database["credentials"].find_one({"_id": user_id})
    assert credential
    token, document = built.service.sessions.new(user_id, DEVICE)
    opened = built.database.transact(partial(built.service.sessions.open, credential, document))
    return str(token) if opened else None


def refresh(built: Built, token: str) -> str:
    renewed: str = built.service.sessions.refresh(token)["refreshToken"]
    return renewed


def is_dead(built: Built, token: str) -> bool:
    try:
        refresh(built, token)
    except RefreshTokenInvalid:
        return True
    return False


def test_fifty_concurrent_refreshes_leave_one_live_successor(built: Built, people: People) -> None:
    first = people.sign_up()["refreshToken"]
    successors = set(at_once(*[lambda: refresh(built, first)] * 50))
    assert len(successors) == 1
    assert not is_dead(built, successors.pop())


def test_no_order_of_refresh_replay_and_logout_brings_a_session_back(built: Built, people: People) -> None:
    account = people.sign_up()
    who = people.identity(account)
    for _ in range(25):
        oldest = open_session(built, who.user_id)
        assert oldest
        current = refresh(built, refresh(built, oldest))
        here = replace(who, session_id=oldest.partition(".")[0])
        renewed, *_ = at_once(
            lambda current=current: refresh(built, current),
            lambda here=here: built.service.sessions.log_out(here),
            lambda oldest=oldest: refresh(built, oldest),
        )
        assert is_dead(built, current)
        assert isinstance(renewed, RefreshTokenInvalid) or is_dead(built, renewed)
    # each session ended once, for one reason
    ended = [one for item in people.revocations(account) for one in item["sessionIds"]]
    assert len(ended) == len(set(ended)) == 25


def test_an_older_token_ends_the_session_though_a_refresh_is_under_way(built: Built, people: People) -> None:
    user_id = people.sign_up()["user"]["id"]
    for _ in range(10):
        oldest = open_session(built, user_id)
        assert oldest
        current = refresh(built, refresh(built, oldest))
        renewed, replayed = at_once(
            lambda current=current: refresh(built, current), lambda oldest=oldest: refresh(built, oldest)
        )
        assert isinstance(replayed, RefreshTokenReused)
        assert isinstance(renewed, RefreshTokenInvalid) or is_dead(built, renewed)


def test_concurrent_sign_ins_never_leave_more_sessions_than_may_be(built: Built, people: People) -> None:
    account = people.sign_up()
    user_id, sessions = account["user"]["id"], built.database["sessions"]
    own = sessions.find_one({"_id": account["sessionId"]})
    assert own
    sessions.insert_many([{**own, "_id": new_id()} for _ in range(MOST - 3)])
    assert all(at_once(*[lambda: open_session(built, user_id)] * 8))
    assert len(built.service.sessions.live(user_id)) == MOST


ENDINGS: dict[str, Callable[[People, dict[str, Any]], None]] = {
    "suspension": lambda people, account: people.suspend(account),
    "deletion": lambda people, account: people.deactivate(account),
    "password": lambda people, account: people.change_password(account),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_session_opened_while_all_are_ended_for_cause_is_not_left_over(
    built: Built, people: People, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    account = people.sign_up()
    opened, _ = while_sessions_end(built, monkeypatch, account, lambda: ENDINGS[ending](people, account))
    assert opened is None
    assert {item["_id"] for item in built.service.sessions.live(account["user"]["id"])} <= {account["sessionId"]}


def test_a_session_opened_while_one_logs_out_everywhere_is_ended_or_comes_after(
    built: Built, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = people.sign_up()
    who = people.identity(account)
    opened, before = while_sessions_end(
        built, monkeypatch, account, lambda: built.service.sessions.log_out_everywhere(who)
    )
    assert opened
    assert is_dead(built, opened) == before


def while_sessions_end(
    built: Built, monkeypatch: pytest.MonkeyPatch, account: dict[str, Any], end: Callable[[], None]
) -> tuple[str | None, bool]:
    """Open a session between what ``end`` reads and its commit: the token, and whether that came before the commit."""
    outcome: list[str | None] = []
    opener = Thread(target=lambda: outcome.append(open_session(built, account["user"]["id"])))
    revoke = built.service.revocations.revoke
    before: list[bool] = []

    def interrupted(*arguments: Any) -> bool:
        if opener.ident is None:
            opener.start()
            # a moment is enough for a session that nothing holds up
            opener.join(0.3)
            before.append(not opener.is_alive())
        return revoke(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(built.service.revocations, "revoke", interrupted)
        end()
    opener.join()
    return outcome[0], before[0]


def test_an_account_suspended_while_the_password_is_checked_opens_no_session(
    built: Built, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = people.sign_up()
    authentication = built.service.accounts._authentication
    check = authentication.by_password

    def slow(*arguments: Any) -> Any:
        credential = check(*arguments)
        people.suspend(account)
        return credential

    monkeypatch.setattr(authentication, "by_password", slow)
    assert people.try_log_in(account["user"]["email"]).json["code"] == "ACCOUNT_SUSPENDED"
    assert built.service.sessions.live(account["user"]["id"]) == []


def test_sign_ins_racing_a_suspension_leave_no_live_session(built: Built, people: People) -> None:
    for _ in range(3):
        account = people.sign_up()
        user_id = account["user"]["id"]
        at_once(*[lambda user_id=user_id: open_session(built, user_id)] * 4, partial(people.suspend, account))
        assert built.service.sessions.live(user_id) == []
        assert {item["reason"] for item in people.revocations(account)} == {"SUSPENDED"}
