"""Migrations forward, back and forward again."""

from collections.abc import Iterator

import pytest

from auth_service import store
from chassis.migrations import Migrator
from chassis.mongo import Database

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
    assert verified() == {"old": None, "new": None}
    assert migrator.up() == [NAME]
