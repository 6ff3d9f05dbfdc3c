"""Every query of every use case uses an index, as the database itself recorded it."""

from collections.abc import Iterator

import pytest
from people import People

from auth_service import store
from auth_service.app import create_app
from auth_service.bootstrap import Built, build


@pytest.fixture
def fresh(built: Built, fresh_mongodb_uri: str) -> Iterator[Built]:
    made = build(built.config.model_copy(update={"mongodb_uri": fresh_mongodb_uri}))
    made.database.db.command("profile", 2)
    yield made
    made.database.db.command("profile", 0)
    made.database.close()


def test_all_that_an_account_goes_through(fresh: Built) -> None:
    people = People(create_app(fresh).test_client(), fresh)
    account = people.sign_up()
    people.try_log_in(account["user"]["email"], "not the password")
    phone, laptop = people.log_in(account), people.log_in(account)
    phone = people.refresh(people.refresh(phone).json["data"]).json["data"]
    people.client.get("/api/v1/auth/sessions", headers=people.bearer(phone))
    people.log_out(laptop)
    people.change_password(phone)
    people.log_out(phone, "logout-all")
    people.lives(phone["sessionId"])
    people.client.get("/internal/revocations")
    people.client.post("/api/v1/auth/password/forgot", json={"email": account["user"]["email"]})
    people.suspend(account)
    people.reinstate(account)
    fresh.service.accounts.told(account["user"]["id"])
    people.purge(account)
    recorded = list(
        fresh.database["system.profile"].find(
            {
                "ns": {"$in": [f"{fresh.database.db.name}.{name}" for name in store.INDEXES]},
                "planSummary": {"$exists": True},
            }
        )
    )
    assert len(recorded) > 40
    unserved = [one for one in recorded if not one["planSummary"].startswith(("IXSCAN", "IDHACK"))]
    assert [(one["ns"], one["planSummary"], one["command"]) for one in unserved] == []
    assert not any(one["planSummary"].startswith("IXSCAN") and one["docsExamined"] > 10 for one in recorded)
