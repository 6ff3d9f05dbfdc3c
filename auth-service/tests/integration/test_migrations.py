"""Migrations forward, back and forward again."""

from collections.abc import Iterator

import pytest

from auth_service import store
from chassis.migrations import Migrator
from chassis.mongo import Database, Document
from devkit.migrating import forward_back_forward

NAME = "001_email_verified"


@pytest.fixture
def database(fresh_mongodb_uri: str) -> Iterator[Database]:
    made = Database(fresh_mongodb_uri, "migrations")
    made["credentials"].insert_many(
        [
            {"_id": "old", "email": "a@clinic.example"},
            {"_id": "new", "email": "b@clinic.example", "emailVerified": True},
        ]
    )
    yield made
    made.close()


def test_nobodys_address_counts_as_verified_who_did_not_show_it(database: Database) -> None:
    migrator = Migrator(database, "auth_service.migrations", store.INDEXES)

    def verified() -> dict[str, object]:
        return {one["_id"]: one.get("emailVerified") for one in database["credentials"].find()}

    assert migrator.up() == [NAME]
    assert verified() == {"old": False, "new": True}
    assert migrator.down() == [NAME]
    # who showed it need not do so again
    assert verified() == {"old": None, "new": True}
    assert migrator.up() == [NAME]
    assert verified() == {"old": False, "new": True}


def test_a_years_credentials_go_forward_back_and_forward_while_an_older_process_works(database: Database) -> None:
    credentials = database["credentials"]

    def credential(name: str) -> Document:
        return {"_id": name, "email": f"{name}@clinic.example", "name": name, "role": "patient", "statusVersion": 0}

    credentials.insert_many(credential(f"c{number}") for number in range(5_000))
    credentials.insert_many({**credential(f"v{number}"), "emailVerified": True} for number in range(1_000))

    def old_write(number: int) -> list[str]:
        credentials.insert_one(credential(f"old{number}"))
        credentials.update_one({"_id": f"c{number}"}, {"$set": {"statusVersion": 1}})
        return [f"old{number}", f"c{number}"]

    migrator = Migrator(database, "auth_service.migrations", store.INDEXES)
    after = forward_back_forward(database, migrator, old_write, set())["credentials"]
    written = {name for name in after if name.startswith("old") and name != "old"}
    assert len(after) == 6_002 + len(written)
    for name, held in after.items():
        if name[1:].isdigit() or name in written:
            changed = {"statusVersion": int(f"old{name[1:]}" in written and name.startswith("c"))}
            assert held == {**credential(name), "emailVerified": name.startswith("v"), **changed}
