"""Made-up data is taken once, gone on with where it was cut off, and refused in production."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from pymongo.errors import BulkWriteError

from chassis.config import DataConfig
from chassis.mongo import Database
from chassis.seeding import REFUSED, Plan, add, main
from devkit.testing import environment, write_plan

PEOPLE = [{"_id": name, "address": f"{name}@clinic.example"} for name in ("ann", "bo", "cy")]


@dataclass(frozen=True)
class Thing:
    database: Database


def take(built: Thing, plan: Plan) -> Mapping[str, int]:
    return {"people": add(built.database["people"], plan.lines("people"))}


@pytest.fixture
def seed(database: Database, fresh_mongodb_uri: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def run(folder: Path | None, taking: Callable[[Thing, Plan], Mapping[str, int]] = take, **variables: str) -> int:
        for name, value in environment(fresh_mongodb_uri, "amqp://nowhere", **variables).items():
            monkeypatch.setenv(name, value)
        return main(DataConfig.read(), lambda: Thing(database), taking, [str(folder)] if folder else [])

    return run


def test_a_plan_is_taken_once_and_what_was_deleted_since_stays_deleted(
    seed: Callable[..., int], database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_plan(tmp_path / "plan", people=PEOPLE)
    assert seed(folder) == 0
    assert database["people"].count_documents({}) == 3
    database["people"].delete_one({"_id": "bo"})
    assert seed(folder) == 0
    assert sorted(one["_id"] for one in database["people"].find()) == ["ann", "cy"]
    capsys.readouterr()
    assert seed(None) == 0
    asked = json.loads((folder / "plan.json").read_text())
    assert json.loads(capsys.readouterr().out) == {**asked, "done": True}


def test_production_takes_no_plan_and_is_not_even_connected_to(
    seed: Callable[..., int], database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_plan(tmp_path / "plan", people=PEOPLE)
    monkeypatch.setattr(Database, "__getitem__", lambda *_: pytest.fail("it was connected to"))
    assert seed(folder, APP_ENV="production") == REFUSED
    assert seed(None, APP_ENV="production") == REFUSED
    monkeypatch.undo()
    assert database.db.list_collection_names() == []


def test_a_plan_that_was_cut_off_is_gone_on_with(seed: Callable[..., int], database: Database, tmp_path: Path) -> None:
    folder = write_plan(tmp_path / "plan", people=PEOPLE)

    def cut_off(built: Thing, plan: Plan) -> Mapping[str, int]:
        add(built.database["people"], PEOPLE[:2])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        seed(folder, cut_off)
    assert seed(folder) == 0
    assert database["people"].count_documents({}) == 3


def test_another_plan_does_not_take_the_place_of_one_that_was_begun(
    seed: Callable[..., int], database: Database, tmp_path: Path
) -> None:
    folder = write_plan(tmp_path / "plan", people=PEOPLE[:1])
    assert seed(folder) == 0
    asked = json.loads((folder / "plan.json").read_text())
    (folder / "plan.json").write_text(json.dumps({**asked, "doctors": 3}))
    assert seed(folder) == REFUSED
    assert database["people"].count_documents({}) == 1


def test_only_what_has_the_same_id_is_there_already(database: Database) -> None:
    people = database["people"]
    people.create_index("address", unique=True)
    assert add(people, PEOPLE[:2]) == 2
    assert add(people, PEOPLE) == 1
    with pytest.raises(BulkWriteError):
        add(people, [{"_id": "dee", "address": "ann@clinic.example"}])
