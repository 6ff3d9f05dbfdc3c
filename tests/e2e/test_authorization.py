"""Who may do what: the whole table of tests/authorization, through the gateway."""

import json

import pytest

from tests.authorization.table import OF_NOTHING, Row, rows
from tests.authorization.world import SECRET, World
from tests.client import Answer, Gateway, eventually

CLOSED = [pytest.param(row, id=f"{row.method} {row.path}") for row in rows() if not row.is_public]
OF_A_THING = [pytest.param(row, id=f"{row.method} {row.path}") for row in rows() if "{" in row.path]
HOSTILE_IDS = (
    "0" * 32,
    "x",
    "$ne",
    "{}",
    "a" * 300,
    "%F0%9F%92%A9",
    "%27%20or%201=1",
    "..;",
    "null",
    "-1",
    "2026-13-45",
)


@pytest.fixture(scope="module")
def before(world: World) -> str:
    """What the owners saw at first."""
    world.share()
    return world.seen()


@pytest.fixture(scope="module")
def dead_tokens(world: World) -> dict[str, str]:
    """Tokens that count no more, or never did, with the code that each is refused with."""
    ended, suspended, deleted = (world.gateway.sign_up(f"No {name}") for name in ("Session", "Standing", "Account"))
    ended.post("/auth/logout").expect(200)
    world.admin.post(f"/admin/users/{suspended.id}/suspend", {"reason": "Does not come."}).expect(200)
    deleted.call("DELETE", "/users/me", {"reason": "OTHER"}).expect(200)
    revoked = [person.tokens["accessToken"] for person in (ended, suspended, deleted)]
    eventually_refused(world.gateway, revoked)
    refresh = world.ann.tokens["refreshToken"]
    return {**dict.fromkeys(revoked, "TOKEN_REVOKED"), refresh: "TOKEN_INVALID", "a.b.c": "TOKEN_INVALID"}


def eventually_refused(gateway: Gateway, tokens: list[str]) -> None:
    for token in tokens:
        eventually(
            "the token to be refused", lambda token=token: gateway.call("GET", "/users/me", token=token).status == 401
        )


def refused(answer: Answer) -> bool:
    """Whether it is an error that tells nothing of what it is about."""
    told = set(answer.body) <= {"success", "message", "code", "requestId"} and answer.body["success"] is False
    return told and SECRET not in answer.text


@pytest.mark.parametrize("row", CLOSED)
def test_without_a_token_that_counts_nobody_passes(
    world: World, before: str, dead_tokens: dict[str, str], row: Row
) -> None:
    path, body = world.path(row), world.body(row) if "reschedule" not in row.path else {"start": "2030-01-01T00:00:00Z"}
    answer = world.gateway.call(row.method, path, body)
    assert (answer.status, answer.code) == (401, "TOKEN_MISSING")
    for token, code in dead_tokens.items():
        answer = world.gateway.call(row.method, path, body, token=token)
        assert (answer.status, answer.code, refused(answer)) == (401, code, True)


@pytest.mark.parametrize("row", CLOSED)
def test_who_has_no_part_in_a_thing_is_refused_and_told_nothing(world: World, before: str, row: Row) -> None:
    for name, cell in row.cells.items():
        if cell.status in (403, 404):
            answer = world.people[name].call(row.method, world.path(row), world.body(row))
            assert answer.status == cell.status, f"{name}: {answer.body}"
            assert refused(answer), f"{name}: {answer.text}"


@pytest.mark.parametrize("row", OF_A_THING)
def test_of_a_thing_that_there_is_not_nobody_learns_more(world: World, before: str, row: Row) -> None:
    allowed = [world.people[name] for name, cell in row.cells.items() if cell.status < 300]
    caller = allowed[0] if allowed else world.ann
    shared = world.shared(row.path.partition("{")[2].partition("}")[0])
    for hostile in HOSTILE_IDS:
        path = world.path(row).replace(shared, hostile)
        answer = caller.call(row.method, path, world.body(row, caller))
        # 422 where the path holds a date
        expected = {404, OF_NOTHING.get((row.method, row.path), 404), 422 if "{date}" in row.path else 404}
        assert answer.status in expected, f"{hostile}: {answer.status} {answer.text}"


def test_whatever_was_refused_changed_nothing(world: World, before: str) -> None:
    assert json.loads(world.seen()) == json.loads(before)


@pytest.mark.parametrize("row", CLOSED)
def test_who_may_does(world: World, row: Row) -> None:
    for name, cell in row.cells.items():
        if cell.status in (403, 404):
            continue
        caller = world.caller(name, row)
        answer = caller.call(row.method, world.path(row, fresh=cell.changes), world.body(row, caller))
        assert answer.status == cell.status, f"{name}: {answer.status} {answer.text}"
