"""Snapshots, and projections that are compared with them and made again."""

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Any, Literal

import pytest
import structlog
from pymongo.client_session import ClientSession

from chassis.errors import ServiceUnavailable
from chassis.mongo import Database, Document
from chassis.projections import Kept, Projection, Projections, command, comparing, held_ids, main, projection
from chassis.schemas import EventData
from chassis.snapshots import Snapshot
from devkit.sources import Source


class Told(EventData):
    thing_id: str
    colour: Literal["red", "green"]
    version: int


class Copies(Projection):
    """The colours of things."""

    name, source, method, key = "copies", "thing-service", "snapshot_things", "thingId"
    reads = Told

    def __init__(self, database: Database) -> None:
        self._copies = database["copies"]
        self.largest = 0

    def told(self, item: Document) -> Kept:
        return Kept(item["version"], {"colour": item["colour"]})

    def held(self, ids: Sequence[str], session: ClientSession | None = None) -> dict[str, Kept]:
        self.largest = max(self.largest, len(ids))
        found = self._copies.find({"_id": {"$in": list(ids)}}, session=session)
        return {copy["_id"]: Kept(copy["version"], {"colour": copy["colour"]}) for copy in found}

    def held_ids(self, after: str) -> list[str]:
        return held_ids(self._copies, after, {})

    def apply(self, item: Document, session: ClientSession) -> None:
        Told.model_validate(item)
        held = self._copies.find_one({"_id": item["thingId"]}, session=session)
        if held and held["version"] >= item["version"]:
            return
        facts = {"colour": item["colour"], "version": item["version"]}
        self._copies.update_one({"_id": item["thingId"]}, {"$set": facts}, upsert=True, session=session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        self._copies.delete_one({"_id": identifier}, session=session)


@pytest.fixture
def source() -> Source:
    return Source(size=3)


@pytest.fixture
def copies(database: Database) -> Copies:
    return Copies(database)


@pytest.fixture
def kept(database: Database, source: Source, copies: Copies, monkeypatch: pytest.MonkeyPatch) -> Projections:
    for room in (projection, comparing):
        monkeypatch.setattr(room, "PAGE", 3)
    monkeypatch.setattr(command, "PAUSES", (0, 0))
    return Projections(database, source, [copies])  # type: ignore[arg-type]


def things(source: Source, *ids: str, version: int = 2) -> None:
    source.items |= {one: {"thingId": one, "colour": "red", "version": version} for one in ids}


def put(database: Database, one: str, colour: str = "red", version: int = 2) -> None:
    database["copies"].replace_one({"_id": one}, {"colour": colour, "version": version}, upsert=True)


def held(database: Database) -> dict[str, tuple[str, int]]:
    return {copy["_id"]: (copy["colour"], copy["version"]) for copy in database["copies"].find()}


def differs(kept: Projections, pauses: Sequence[float] = (0,)) -> list[str]:
    return kept.check(["copies"], pauses)["copies"]


def test_all_of_it_is_walked_past_in_pages_whatever_is_missing_or_too_much(
    database: Database, source: Source, copies: Copies, kept: Projections
) -> None:
    things(source, *(f"m{number:02}" for number in range(0, 20, 2)))
    ghosts = [f"a{number:02}" for number in range(7)] + [f"m{number:02}" for number in range(1, 20, 2)] + ["z", "zz"]
    for one in ghosts:
        put(database, one)
    assert differs(kept) == sorted([*source.items, *ghosts])
    assert kept.rebuild("copies") == (len(source.items) + len(ghosts), [])
    assert held(database) == dict.fromkeys(source.items, ("red", 2))
    assert max(source.largest, copies.largest) == 3
    # and of what is right nothing is looked at again
    looked_at: list[str] = []
    source.asked = looked_at.extend
    assert differs(kept) == looked_at == []


@pytest.mark.parametrize("right", [("red", 2), ("red", 1)], ids=["as told", "not every version is announced"])
def test_what_is_as_its_source_is_left_alone(
    database: Database, source: Source, kept: Projections, right: tuple[str, int]
) -> None:
    things(source, "one")
    put(database, "one", *right)
    assert differs(kept) == []
    assert kept.rebuild("copies") == (0, [])
    assert held(database) == {"one": right}


@pytest.mark.parametrize("wrong", [("green", 2), ("green", 1), ("red", 9), ("green", 9)])
def test_what_is_not_is_mended_whatever_its_version(
    database: Database, source: Source, kept: Projections, wrong: tuple[str, int]
) -> None:
    things(source, "one")
    put(database, "one", *wrong)
    assert differs(kept) == ["one"]
    assert kept.rebuild("copies") == (1, [])
    assert held(database) == {"one": ("red", 2)}


def test_an_event_that_comes_in_after_the_source_was_asked_stands(
    database: Database, source: Source, copies: Copies, kept: Projections, monkeypatch: pytest.MonkeyPatch
) -> None:
    things(source, "one", "two")
    put(database, "one", "green", 1)
    put(database, "ghost")

    def events(asked_about: Sequence[str]) -> None:
        for one in asked_about:
            put(database, one, "green", next(version))

    version = count(3)
    source.asked = events
    forgotten: list[str] = []
    monkeypatch.setattr(copies, "forget", lambda identifier, session: forgotten.append(identifier))
    kept.rebuild("copies")
    assert held(database) == {"one": ("green", 3), "two": ("green", 4), "ghost": ("green", next(version) - 1)}
    assert forgotten == [], "not for a moment"


@pytest.mark.parametrize("in_the_source", [True, False])
def test_an_event_that_a_copy_refused_as_older_while_it_was_mended_is_not_lost(
    database: Database, source: Source, copies: Copies, kept: Projections, in_the_source: bool
) -> None:
    """The copy's version is ahead of the source's, so the event leaves no trace that the mending could see."""
    if in_the_source:
        things(source, "one")
    put(database, "one", "green", 99)

    def event(_: Sequence[str]) -> None:
        source.asked = lambda _: None
        source.items["one"] = {"thingId": "one", "colour": "green", "version": 3}
        database.transact(partial(copies.apply, source.items["one"]))

    source.asked = event
    assert kept.rebuild("copies") == (1, [])
    assert held(database) == {"one": ("green", 3)}


def test_an_event_that_comes_in_as_the_answer_is_applied_stands(
    database: Database, source: Source, copies: Copies, kept: Projections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another transaction commits between the look at what is held and the write."""
    things(source, "one")
    put(database, "one", "green", 2)
    force, arrived = copies.force, threading.Event()

    def slowly(item: Document, session: ClientSession) -> None:
        if not arrived.is_set():
            arrived.set()
            ThreadPoolExecutor(1).submit(put, database, "one", "green", 3).result()
        force(item, session)

    monkeypatch.setattr(copies, "force", slowly)
    kept.rebuild("copies")
    assert held(database) == {"one": ("green", 3)}


def test_what_an_event_on_its_way_makes_good_is_no_drift(
    database: Database, source: Source, kept: Projections, monkeypatch: pytest.MonkeyPatch
) -> None:
    things(source, "late", "lost")
    pauses: list[float] = []

    def arrives(pause: float) -> None:
        pauses.append(pause)
        if len(pauses) == 2:
            put(database, "late")

    monkeypatch.setattr(comparing, "sleep", arrives)
    assert differs(kept, (1, 2, 3)) == ["lost"]
    assert pauses == [1, 2, 3]
    kept.rebuild("copies")
    pauses.clear()
    assert differs(kept, (1, 2, 3)) == []
    assert pauses == []


def test_what_waits_for_another_look_is_bounded(
    database: Database, source: Source, kept: Projections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "BATCH", 4)
    things(source, *(f"m{number:02}" for number in range(20)))
    looks: list[int] = []
    monkeypatch.setattr(comparing, "sleep", looks.append)
    assert len(differs(kept, [1])) == 6, "two pages, and no further"
    assert looks == [1]


def test_the_erased_are_left_alone_on_either_side(database: Database, source: Source, kept: Projections) -> None:
    things(source, "here")
    database["tombstones"].insert_one({"_id": "here"})
    source.erased = {"there"}
    put(database, "there")
    assert differs(kept) == []
    assert kept.rebuild("copies") == (0, [])
    assert held(database) == {"there": ("red", 2)}


def test_two_at_once_and_one_that_was_ended_half_way_come_to_the_same(
    database: Database, source: Source, copies: Copies, kept: Projections, monkeypatch: pytest.MonkeyPatch
) -> None:
    things(source, *(f"m{number:02}" for number in range(12)))
    for number in range(0, 12, 2):
        put(database, f"m{number:02}", "green", 9)
    put(database, "ghost")
    force, done = copies.force, []

    def killed(item: Document, session: ClientSession) -> None:
        if len(done) == 2:
            raise SystemExit
        done.append(item)
        force(item, session)

    with monkeypatch.context() as patch:
        patch.setattr(copies, "force", killed)
        with pytest.raises(SystemExit):
            kept.rebuild("copies")
    assert "m00" in held(database)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(kept.rebuild, ["copies"] * 2))
    assert held(database) == dict.fromkeys(source.items, ("red", 2))


def test_a_source_that_is_away_is_asked_again_and_then_said_to_be_away(
    source: Source, kept: Projections, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(comparing, "sleep", lambda _: None)
    source.away = 2
    assert differs(kept) == []
    source.away = 3
    with pytest.raises(ServiceUnavailable):
        differs(kept)
    source.away = 99
    assert main(kept, ["check"]) == main(kept, ["rebuild"]) == command.NOT_COMPARED
    assert "not finished" in capsys.readouterr().err


def test_the_command_says_what_differs_and_alarms_without_the_facts(
    database: Database, source: Source, kept: Projections, capsys: pytest.CaptureFixture[str]
) -> None:
    things(source, *(f"m{number:02}" for number in range(30)))
    with structlog.testing.capture_logs() as logged:
        assert main(kept, ["check", "copies"]) == command.DIFFERS
    alarm = next(line for line in logged if line.get("alarm") == "ProjectionDrift")
    assert (alarm["projection"], alarm["count"], len(alarm["ids"])) == ("copies", 30, command.NAMED)
    assert "red" not in json.dumps(alarm)
    assert main(kept, ["rebuild"]) == 0
    assert main(kept, ["check"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "copies (thing-service): 30 differ",
        "copies (thing-service): 30 mended",
        "copies (thing-service): as its source",
    ]
    for wrong in ([], ["mend"], ["check", "nothing"]):
        assert main(kept, wrong) == command.NOT_COMPARED


def test_what_the_use_case_refuses_holds_up_none_of_the_others(
    database: Database, source: Source, kept: Projections
) -> None:
    things(source, "a", "b", "c")
    source.items["b"]["colour"] = "plaid"
    assert kept.rebuild("copies") == (2, ["b"])
    assert main(kept, ["rebuild"]) == command.DIFFERS
    assert held(database) == {"a": ("red", 2), "c": ("red", 2)}


# the source's side


@pytest.fixture
def snapshot(database: Database) -> Callable[..., dict[str, Any]]:
    def tell(thing: Document) -> Document | None:
        return None if thing.get("secret") else {"thingId": thing["_id"], "outbox": thing.get("outbox")}

    return Snapshot(database, "things", tell).page


def test_a_snapshot_goes_on_where_it_ended_and_tells_no_more_than_it_may(
    database: Database, snapshot: Callable[..., dict[str, Any]]
) -> None:
    ids = [f"t{number}" for number in range(5)]
    database["things"].insert_many([{"_id": one, "secret": one == "t1", "outbox": [1]} for one in ids])
    first = snapshot(limit=2)
    assert first == {"items": [{"thingId": "t0", "outbox": None}], "next": "t1", "erased": []}
    second = snapshot(after=first["next"], limit=2)
    assert [item["thingId"] for item in second["items"]] == ["t2", "t3"]
    last = snapshot(after=second["next"], limit=2)
    assert ([item["thingId"] for item in last["items"]], last["next"]) == (["t4"], None)
    assert len(snapshot(limit=-1)["items"]) == 1


def test_a_snapshot_of_some_says_who_was_erased(database: Database, snapshot: Callable[..., dict[str, Any]]) -> None:
    database["things"].insert_many([{"_id": "here"}, {"_id": "hidden", "secret": True}])
    database["tombstones"].insert_one({"_id": "gone"})
    told = snapshot(ids=["here", "hidden", "gone", "never"])
    assert told == {"items": [{"thingId": "here", "outbox": None}], "next": None, "erased": ["gone"]}
