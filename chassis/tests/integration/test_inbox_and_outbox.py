"""Each event takes effect once; what is announced is found by an index, and nothing else is looked at."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from chassis import inbox, outbox, tombstones
from chassis.clock import new_id
from chassis.events import cloud_event
from chassis.inbox import Inbox
from chassis.migrations import Migrator
from chassis.mongo import Database, Document
from chassis.tombstones import Tombstones, receipt

DELIVERIES = 20


@pytest.fixture
def box(database: Database) -> Inbox:
    return Inbox(database)


def counting(database: Database) -> Any:
    def effect(session: ClientSession) -> None:
        database["effects"].update_one({"_id": 1}, {"$inc": {"count": 1}}, upsert=True, session=session)

    return effect


def count(database: Database) -> int:
    return (database["effects"].find_one({"_id": 1}) or {"count": 0})["count"]


def test_a_redelivery_changes_nothing(database: Database, box: Inbox) -> None:
    assert box.once("e1", counting(database)) is True
    assert box.once("e1", counting(database)) is False
    assert box.once("e2", counting(database)) is True
    assert count(database) == 2


def test_twenty_deliveries_at_once_take_effect_once(database: Database, box: Inbox) -> None:
    for round_number in range(5):
        together = Barrier(DELIVERIES)

        def deliver(_: int, event: str = f"e{round_number}", together: Barrier = together) -> bool:
            together.wait()
            return box.once(event, counting(database))

        with ThreadPoolExecutor(DELIVERIES) as pool:
            answers = Counter(pool.map(deliver, range(DELIVERIES)))
        assert answers == {True: 1, False: DELIVERIES - 1}
        assert count(database) == round_number + 1


def test_an_effect_that_fails_leaves_the_event_to_be_tried_again(database: Database, box: Inbox) -> None:
    def failing(session: ClientSession) -> None:
        counting(database)(session)
        raise LookupError("not today")

    with pytest.raises(LookupError):
        box.once("e1", failing)
    assert count(database) == 0
    assert box.once("e1", counting(database)) is True


def test_a_duplicate_key_of_the_effects_own_is_not_taken_for_a_redelivery(database: Database, box: Inbox) -> None:
    database["things"].insert_one({"_id": "e1"})

    def colliding(session: ClientSession) -> None:
        database["things"].insert_one({"_id": "e1"}, session=session)

    for _ in range(2):
        with pytest.raises(DuplicateKeyError):
            box.once("e1", colliding)
    assert database[inbox.COLLECTION].count_documents({}) == 0


def test_an_inboxs_own_id_in_another_inbox_like_collection_is_not_confused(database: Database, box: Inbox) -> None:
    def nested(session: ClientSession) -> None:
        database[inbox.COLLECTION].insert_one({"_id": "e0"}, session=session)

    database[inbox.COLLECTION].insert_one({"_id": "e0"})
    with pytest.raises(DuplicateKeyError):
        box.once("e1", nested)
    assert database[inbox.COLLECTION].find_one({"_id": "e1"}) is None


def test_what_is_buried_is_known_and_announced_each_time(database: Database) -> None:
    buried = Tombstones(database)
    assert not buried.holds("u1")
    for _ in range(2):
        database.transact(lambda session: buried.bury("u1", receipt("thing-service", "u1"), session))
    assert buried.holds("u1")
    assert not buried.holds("u2")
    stone = database[tombstones.COLLECTION].find_one({"_id": "u1"})
    assert stone
    assert stone.keys() == {"_id", "at", "outbox"}
    assert [event["type"] for event in stone["outbox"]] == ["user-data-erased"] * 2


def test_burying_and_asking_take_part_in_the_transaction(database: Database) -> None:
    buried = Tombstones(database)

    def work(session: ClientSession) -> None:
        buried.bury("u1", receipt("thing-service", "u1"), session)
        assert buried.holds("u1", session)
        raise LookupError("no")

    with pytest.raises(LookupError):
        database.transact(work)
    assert not buried.holds("u1")


def thing(identifier: Any, events: int) -> Document:
    made = [cloud_event("thing-service", "made", str(identifier), {}) for _ in range(events)]
    return {"_id": identifier, "outbox": made}


@pytest.fixture
def things(database: Database, empty_migrations: str) -> Any:
    Migrator(database, empty_migrations, {"things": [outbox.INDEX]}).up()
    return database["things"]


def test_pending_are_the_longest_waiting_first(things: Any) -> None:
    things.insert_many([{"_id": number, "outbox": [{"id": f"e{at}"}]} for at, number in enumerate((3, 1, 2))])
    assert [document["_id"] for document in outbox.pending(things, 10, events=1)] == [3, 1, 2]
    assert [document["_id"] for document in outbox.pending(things, 2, events=1)] == [3, 1]
    assert [document["_id"] for document in outbox.pending(things, 10, events=1, documents=[3, 2])] == [1]


def test_pending_are_no_more_events_of_a_document_than_asked_for_and_nothing_else_of_it(things: Any) -> None:
    document = thing(1, 5)
    things.insert_one({**document, "name": "Quill"})
    assert outbox.pending(things, 10, events=2) == [{"_id": 1, "outbox": document["outbox"][:2]}]


def test_what_waits_with_a_held_kind_first_is_left_out_and_counted(things: Any) -> None:
    kinds = (["a", "b"], ["b", "a"], ["a"], [None], [5])
    for number, row in enumerate(kinds):
        events = [{"id": f"e{number}{at}", **({"type": kind} if kind else {})} for at, kind in enumerate(row)]
        things.insert_one({"_id": number, "outbox": events})

    def left(*held: str) -> list[int]:
        return [document["_id"] for document in outbox.pending(things, 10, events=1, kinds=held)]

    assert left("a") == [1, 3, 4]
    assert left("a", "b") == [3, 4]
    assert left("b", outbox.NO_KIND) == [0, 2]
    assert (outbox.count(things, "a", 10), outbox.count(things, "a", 1)) == (2, 1)
    assert outbox.count(things, outbox.NO_KIND, 10) == 2


def test_the_age_of_what_waits_is_in_its_id(things: Any) -> None:
    assert outbox.oldest(things) is None
    things.insert_one({"_id": 1, "outbox": [{"id": f"{90_000:012x}{'0' * 20}"}, {"id": new_id()}]})
    assert outbox.oldest(things) == 90
    things.insert_one({"_id": 2, "outbox": [{"id": "!"}]})
    assert outbox.oldest(things) is None


def test_what_is_published_is_pulled_and_what_came_meanwhile_stays(things: Any) -> None:
    things.insert_many([thing(1, 2), thing(2, 1)])
    first, second = things.find_one({"_id": 1})["outbox"]
    later = cloud_event("thing-service", "moved", "1", {})
    things.update_one({"_id": 1}, {"$push": outbox.announce(later)})
    outbox.pull(things, {1: [first["id"]], 2: ["another"], "gone": [new_id()]})
    assert things.find_one({"_id": 1})["outbox"] == [second, later]
    assert len(things.find_one({"_id": 2})["outbox"]) == 1


def test_a_sweep_reads_the_index_of_what_is_pending_and_nothing_else(sent: Any, things: Any) -> None:
    things.insert_many([{"_id": new_id(), "outbox": []} for _ in range(500)])
    things.insert_many([{"_id": new_id()} for _ in range(500)])
    things.insert_many([thing(new_id(), 1) for _ in range(5)])
    outbox.pending(things, 200, events=10, kinds=["unheard"], documents=["x"])
    asked = {key: sent.commands["find"][key] for key in ("find", "filter", "projection", "sort", "hint", "limit")}
    explained = things.database.command("explain", asked, verbosity="executionStats")
    stats = explained["executionStats"]
    assert stats["nReturned"] == 5
    assert stats["totalKeysExamined"] <= 6
    assert stats["totalDocsExamined"] == 5
    plan = str(explained["queryPlanner"]["winningPlan"])
    assert "outbox_pending" in plan
    assert "'SORT'" not in plan


def test_a_document_leaves_the_index_with_its_last_event(things: Any) -> None:
    document = thing(1, 1)
    things.insert_one(document)
    assert outbox.pending(things, 10, events=1)
    outbox.pull(things, {1: [document["outbox"][0]["id"]]})
    assert outbox.pending(things, 10, events=1) == []
    entries = things.aggregate([{"$indexStats": {}}])
    assert "outbox_pending" in {entry["name"] for entry in entries}
    assert things.database.command("validate", "things")["keysPerIndex"]["outbox_pending"] == 0
