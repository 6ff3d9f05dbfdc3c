"""Made-up people sign in with the password that all of them have, unless they are suspended."""

from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from auth_service.bootstrap import Built
from auth_service.seed import take
from chassis.clock import instant_text, new_id, now
from chassis.seeding import Plan
from devkit.testing import write_plan


def person(name: str, status: str = "ACTIVE") -> dict[str, Any]:
    identifier = new_id()
    return {
        "userId": identifier,
        "email": f"{name}.{identifier}@clinic.example",
        "name": name,
        "role": "patient",
        "registeredAt": instant_text(now()),
        "emailVerified": True,
        "status": status,
        "version": 3,
    }


def test_they_sign_in_with_one_password_unless_they_are_suspended(
    built: Built, client: FlaskClient, tmp_path: Path
) -> None:
    people = [person("ann"), person("bo"), person("cy", "SUSPENDED")]
    plan = Plan(write_plan(tmp_path / "plan", people=people))
    assert take(built, plan) == {"accounts": 3}

    def sign_in(who: dict[str, Any], password: str) -> tuple[int, str | None]:
        answer = client.post("/api/v1/auth/login", json={"email": who["email"], "password": password})
        return answer.status_code, answer.json.get("code")

    assert [sign_in(who, plan.asked["password"]) for who in people[:2]] == [(200, None)] * 2
    assert sign_in(people[0], "another kettle of fish") == (401, "INVALID_CREDENTIALS")
    assert sign_in(people[2], plan.asked["password"]) == (403, "ACCOUNT_SUSPENDED")
    # nobody is told that somebody signed up; that they signed in is an entry of the audit like any other
    kinds = {
        event["type"]
        for who in people
        for event in (built.database["credentials"].find_one({"_id": who["userId"]}) or {})["outbox"]
    }
    assert kinds <= {"audit-recorded"}
