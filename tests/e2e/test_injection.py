"""Bodies with more in them than their routes take, or something else: refused by name, and nothing changes."""

import json
from typing import Any

import pytest

from tests.authorization.table import Row, rows
from tests.authorization.world import World, bodies, plain

READ_ONLY = (
    *("id", "_id", "userId", "patientId", "doctorId", "ownerId", "sub", "sessionId", "role", "roles", "isAdmin"),
    *("status", "version", "createdAt", "updatedAt", "email", "emailVerified", "passwordHash", "moderationStatus"),
    *("rating", "followers", "visible", "accepting", "history", "claims", "reply", "hidden", "outbox"),
    *("$set", "$where", "__proto__", "constructor", "a.b", "", "\u0000"),
)
ODD: tuple[Any, ...] = ({"$ne": None}, {"$gt": ""}, [[]], 10**400, -1, "\x00", "x" * 100_000, "\ud800")


def with_bodies() -> list[Any]:
    examples = bodies()
    return [
        pytest.param(row, id=f"{row.method} {row.path}") for row in rows() if (row.method, plain(row.path)) in examples
    ]


@pytest.mark.parametrize("row", with_bodies())
def test_what_a_body_may_not_hold_is_refused_by_its_name(world: World, row: Row) -> None:
    names = [name for name, cell in row.cells.items() if cell.status < 300]
    caller = world.people[names[0]] if names else world.ann
    body = world.body(row, caller)
    world.share()
    before = world.seen()
    for field in READ_ONLY:
        if field in body:
            continue
        answer = caller.call(row.method, world.path(row), {**body, field: "admin"})
        assert (answer.status, answer.code) == (422, "VALIDATION_FAILED"), f"{field!r}: {answer.text}"
    for field in body:
        for odd in ODD:
            answer = caller.call(row.method, world.path(row), {**body, field: odd})
            assert answer.status in range(400, 500), f"{field}: {odd!r:.50}: {answer.status} {answer.text}"
    assert json.loads(world.seen()) == json.loads(before)
