"""A backup is one moment of all its databases; what is not whole is not loaded."""

import json
import secrets
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from pymongo import ASCENDING, IndexModel, MongoClient

from chassis.backup import BackupError, load, save
from chassis.backup.folder import read_manifest

Client = MongoClient[dict[str, Any]]


@pytest.fixture
def client(mongodb_server: str) -> Iterator[Client]:
    with Client(mongodb_server, w="majority", journal=True) as made:
        yield made


@pytest.fixture
def names(client: Client) -> Iterator[list[str]]:
    """Two databases of this test's own."""
    made = [f"test_{side}_{secrets.token_hex(6)}" for side in ("giver", "taker")]
    yield made
    for name in made:
        client.drop_database(name)


@pytest.fixture
def saved(client: Client, names: list[str], tmp_path: Path) -> Path:
    """A small backup."""
    giver, taker = (client[name] for name in names)
    giver.create_collection("notes", validator={"text": {"$type": "string"}}, collation={"locale": "fr"})
    giver.notes.insert_many([{"_id": number, "text": "Ünïcode"} for number in range(3)])
    taker.people.insert_many([{"_id": number, "email": f"{number}@clinic.example"} for number in range(1200)])
    taker.people.create_indexes(
        [
            IndexModel([("email", ASCENDING)], name="email_unique", unique=True),
            IndexModel([("at", -1), ("email", 1)], name="some", partialFilterExpression={"at": {"$exists": True}}),
            IndexModel([("until", 1)], name="expiry", expireAfterSeconds=60),
            IndexModel([("name", 1)], name="by_name", collation={"locale": "de", "strength": 2}, sparse=True),
        ]
    )
    save(client, names, tmp_path / "backup")
    return tmp_path / "backup"


def state(client: Client, names: list[str]) -> dict[str, Any]:
    """Documents, options and indexes of everything."""
    return {
        f"{name}.{listed['name']}": (
            listed["options"],
            client[name][listed["name"]].index_information(),
            list(client[name][listed["name"]].find()),
        )
        for name in names
        for listed in client[name].list_collections()
    }


def test_what_is_loaded_is_a_moment_that_was_though_writes_went_on(
    client: Client, names: list[str], tmp_path: Path
) -> None:
    """Each gift is taken from one database before the other has it: never may there be more, nor two under way."""
    giver, taker = (client[name].gifts for name in names)
    padding = "x" * 2000
    for side in (giver, taker):
        side.insert_many([{"_id": number, "padding": padding} for number in range(-3000, 0)])
    ended, some = Event(), Event()

    def give() -> None:
        for number in count():
            # the one that is read last is written first: a reader without one instant sees it lag behind
            giver.insert_one({"_id": number})
            taker.insert_one({"_id": number})
            if number > 20:
                some.set()
            if ended.is_set():
                return

    writer = Thread(target=give)
    writer.start()
    some.wait(30)
    try:
        save(client, names, tmp_path / "backup")
    finally:
        ended.set()
        writer.join()
    written = giver.count_documents({"_id": {"$gte": 0}})
    load(client, tmp_path / "backup", replace=True)
    given, taken = (side.count_documents({"_id": {"$gte": 0}}) for side in (giver, taker))
    assert given - taken in (0, 1)
    assert 20 < given < written, "the writer wrote before and after the moment"


def test_documents_options_and_indexes_come_back_as_they_were(client: Client, names: list[str], saved: Path) -> None:
    before = state(client, names)
    client[names[0]].later.insert_one({})
    client[names[1]].people.delete_many({})
    load(client, saved, replace=True)
    assert state(client, names) == before
    assert before[f"{names[0]}.notes"][0]["validator"]


def test_what_is_there_is_not_overwritten_unasked(client: Client, names: list[str], saved: Path) -> None:
    client.drop_database(names[0])
    with pytest.raises(BackupError, match=names[1]):
        load(client, saved)
    assert client[names[1]].people.count_documents({}) == 1200
    assert client[names[0]].list_collection_names() == []


def test_a_damaged_backup_is_found_before_anything_is_touched(client: Client, names: list[str], saved: Path) -> None:
    before = state(client, names)
    manifest, people = saved / "manifest.json", saved / names[1] / "people.bson.gz"
    whole = {path: path.read_bytes() for path in (manifest, people)}
    flipped = bytearray(whole[people])
    flipped[len(flipped) // 2] ^= 1
    told = json.loads(whole[manifest])
    told["databases"][names[1]]["people"]["indexes"].pop()
    for path, content in (
        (people, bytes(flipped)),
        (people, whole[people][:-1]),
        (people, None),
        (manifest, whole[manifest][:-2]),
        (manifest, json.dumps(told).encode()),
        # what a save leaves that was killed
        (manifest, None),
    ):
        path.unlink() if content is None else path.write_bytes(content)
        with pytest.raises(BackupError):
            load(client, saved, replace=True)
        path.write_bytes(whole[path])
    assert state(client, names) == before
    load(client, saved, replace=True)


def test_what_breaks_a_unique_index_is_not_taken_for_loaded(
    client: Client, names: list[str], saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = read_manifest(saved)
    (unique,) = (i for i in manifest["databases"][names[1]]["people"]["indexes"] if i["name"] == "email_unique")
    unique["key"] = {"kind": {"$numberInt": "1"}}
    monkeypatch.setattr("chassis.backup.folder.read_manifest", lambda _: manifest)
    with pytest.raises(BackupError, match="indexes"):
        load(client, saved, replace=True)


def test_a_backup_is_its_owners_alone_and_never_written_over(client: Client, names: list[str], saved: Path) -> None:
    assert {path.stat().st_mode & 0o777 for path in saved.rglob("*") if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (saved, *saved.rglob("*")) if path.is_dir()} == {0o700}
    with pytest.raises(BackupError, match="not empty"):
        save(client, names, saved)


def test_a_collection_made_while_the_moment_is_chosen_is_in_it(
    client: Client, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chassis.backup import saving

    client[names[0]].things.insert_one({"_id": 1})
    fix = saving._fix_instant

    def late(*arguments: Any) -> None:
        client[names[1]].late.replace_one({"_id": 1}, {}, upsert=True)
        fix(*arguments)

    monkeypatch.setattr(saving, "_fix_instant", late)
    assert save(client, names, tmp_path / "backup")["databases"][names[1]]["late"]["documents"] == 1


def test_nothing_at_all_is_no_backup(client: Client, names: list[str], tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="nothing"):
        save(client, names, tmp_path / "backup")


def test_what_cannot_be_saved_wholly_leaves_nothing_behind(
    client: Client, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError("no space")

    client[names[0]].things.insert_one({"_id": 1, "name": "Ada"})
    with monkeypatch.context() as patch:
        patch.setattr("chassis.backup.folder.write_manifest", full)
        with pytest.raises(OSError, match="space"):
            save(client, names, tmp_path / "backup")
    assert list((tmp_path / "backup").iterdir()) == []
    # there is no reading these at an instant
    client[names[1]].create_collection("log", capped=True, size=4096)
    with pytest.raises(BackupError, match="log"):
        save(client, names, tmp_path / "backup")
