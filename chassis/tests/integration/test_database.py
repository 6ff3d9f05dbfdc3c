"""What the chassis promises of MongoDB, held against what is sent to it."""

import time
from collections.abc import Iterator
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from pymongo import ReadPreference
from pymongo.client_session import ClientSession
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
    WriteError,
    WTimeoutError,
)

from chassis import availability, mongo
from chassis.availability import answering_for
from chassis.mongo import MARKS, Database, Document, collided_index, is_away

PARAMETERS = "replicaSet=rs0&w=1&journal=false&readConcernLevel=local&retryWrites=false&readPreference=secondary"


@pytest.fixture
def weakly_asked(sent: Any, fresh_mongodb_uri: str) -> Iterator[Database]:
    """A database whose URI asks for less than we promise."""
    made = Database(f"{fresh_mongodb_uri.partition('?')[0]}?{PARAMETERS}", "thing-service")
    yield made
    made.close()


def test_writes_wait_for_the_majoritys_journal_whatever_the_uri_says(weakly_asked: Database, sent: Any) -> None:
    weakly_asked["things"].insert_one({"_id": 1})
    assert sent.commands["insert"]["writeConcern"] == {"w": "majority", "j": True}
    assert sent.commands["insert"]["txnNumber"], "a write is retried by its number"


def test_reads_are_of_the_primary_and_majority_committed(weakly_asked: Database, sent: Any) -> None:
    weakly_asked["things"].find_one({"_id": 1})
    assert sent.commands["find"]["readConcern"]["level"] == "majority"
    assert weakly_asked.db.read_preference == ReadPreference.PRIMARY


def test_a_transaction_is_a_snapshot_committed_by_the_majority(sent: Any, database: Database) -> None:
    database.transact(lambda session: database["things"].insert_one({"_id": 1}, session=session))
    assert sent.commands["insert"]["readConcern"]["level"] == "snapshot"
    assert sent.commands["commitTransaction"]["writeConcern"] == {"w": "majority", "j": True}


def test_every_operation_is_bounded(weakly_asked: Database, sent: Any) -> None:
    weakly_asked["things"].find_one({"_id": 1})
    assert 0 < sent.commands["find"]["maxTimeMS"] <= mongo.OPERATION_SECONDS * 1000


def test_the_database_is_named_by_the_uri_or_else_by_the_service() -> None:
    for uri, name in (("mongodb://a:1,b:2/mine?w=1", "mine"), ("mongodb://a:1/?w=1", "own"), ("mongodb://a", "own")):
        database = Database(uri, "own")
        assert database.db.name == name
        database.close()


def test_instants_come_back_aware(database: Database) -> None:
    from chassis.clock import now

    at = now()
    database["things"].insert_one({"_id": 1, "at": at})
    found = database["things"].find_one({"_id": 1})
    assert found
    assert found["at"] == at
    assert found["at"].tzinfo is not None


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def work(session: ClientSession) -> None:
        database["things"].insert_one({"_id": 1}, session=session)
        database["others"].insert_one({"_id": 1}, session=session)
        raise LookupError("no")

    with pytest.raises(LookupError):
        database.transact(work)
    assert database.db.list_collection_names() == [MARKS]


def test_a_transaction_gives_back_what_its_work_does(database: Database) -> None:
    assert database.transact(lambda session: 42) == 42


def test_a_duplicate_key_inside_a_transaction_is_heard_and_undoes_the_rest(database: Database) -> None:
    database["things"].insert_one({"_id": 1})
    database["things"].create_index("name", unique=True, name="name_unique")
    database["things"].insert_one({"_id": 2, "name": "Lamp"})

    def work(session: ClientSession) -> None:
        database["things"].update_one({"_id": 1}, {"$set": {"touched": True}}, session=session)
        database["things"].insert_one({"_id": 3, "name": "Lamp"}, session=session)

    with pytest.raises(DuplicateKeyError) as duplicate:
        database.transact(work)
    assert collided_index(duplicate.value) == "name_unique"
    assert database["things"].find_one({"_id": 1}) == {"_id": 1}


def test_conflicting_transactions_are_repeated_until_all_have_passed(database: Database) -> None:
    database["counters"].insert_one({"_id": 1, "value": 0})
    together = Barrier(8)

    def count(session: ClientSession) -> None:
        found: Document = database["counters"].find_one({"_id": 1}, session=session) or {}
        database["counters"].update_one({"_id": 1}, {"$set": {"value": found["value"] + 1}}, session=session)

    def worker() -> None:
        together.wait()
        database.transact(count)

    threads = [Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database["counters"].find_one({"_id": 1}) == {"_id": 1, "value": 8}


def test_a_conflict_that_does_not_end_is_unavailability_after_the_bound(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo, "OPERATION_SECONDS", 1)
    database["things"].insert_one({"_id": 1})
    with database.client.start_session() as other, other.start_transaction():
        database["things"].update_one({"_id": 1}, {"$set": {"by": "other"}}, session=other)
        began = time.monotonic()
        with pytest.raises(PyMongoError) as failed:
            database.transact(
                lambda session: database["things"].update_one({"_id": 1}, {"$set": {"by": "me"}}, session=session)
            )
        assert is_away(failed.value)
        assert time.monotonic() - began < 3
        other.abort_transaction()


def test_a_slow_transaction_is_cut_off(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo, "OPERATION_SECONDS", 1)
    database["things"].insert_one({"_id": 1})
    slow = {"$where": "sleep(5000) || true"}
    began = time.monotonic()
    with pytest.raises(PyMongoError) as failed:
        database.transact(lambda session: database["things"].find_one(slow, session=session))
    assert is_away(failed.value)
    assert time.monotonic() - began < 3


def test_no_server_is_unavailability(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Database("mongodb://127.0.0.1:1/x?replicaSet=rs0", "x")
    monkeypatch.setattr(mongo, "OPERATION_SECONDS", 1)
    for attempt in (nowhere.ping, lambda: nowhere.transact(lambda session: nowhere["x"].find_one(session=session))):
        began = time.monotonic()
        with pytest.raises(PyMongoError) as failed:
            attempt()
        assert is_away(failed.value)
        assert time.monotonic() - began < 5
    nowhere.close()


def test_a_wrong_question_is_a_defect_and_not_unavailability(database: Database) -> None:
    with pytest.raises(OperationFailure) as failed:
        database["things"].find_one({"$nonsense": 1})
    assert not is_away(failed.value)


def test_a_writable_primary_answers(database: Database) -> None:
    database.ping()


def bulk(*codes: int) -> BulkWriteError:
    return BulkWriteError({"writeErrors": [{"index": n, "code": code} for n, code in enumerate(codes)]})


@pytest.mark.parametrize(
    "error",
    [
        AutoReconnect("connection closed"),
        NotPrimaryError("not primary", {"code": 10107}),
        ServerSelectionTimeoutError("no primary"),
        WaitQueueTimeoutError("pool exhausted"),
        ExecutionTimeout("maxTimeMS", 50),
        WTimeoutError("majority", 64),
        WriteConcernError("interrupted", 11602),
        WriteError("interrupted", 11602),
        OperationFailure("write conflict", 112, {"errorLabels": ["TransientTransactionError"]}),
        OperationFailure("commit lost", 1, {"errorLabels": ["UnknownTransactionCommitResult"]}),
        OperationFailure("new to us", 1, {"errorLabels": ["RetryableWriteError"]}),
        OperationFailure("no such transaction", 251),
        OperationFailure("cursor not found", 43),
        bulk(11602, 189),
        BulkWriteError({"writeErrors": [], "writeConcernErrors": [{"code": 64}]}),
    ],
)
def test_an_election_a_timeout_and_a_conflict_say_nothing_against_the_request(error: PyMongoError) -> None:
    assert is_away(error)


@pytest.mark.parametrize(
    "error",
    [
        DuplicateKeyError("E11000", 11000, {"errorLabels": ["TransientTransactionError"]}),
        OperationFailure("unknown operator", 2),
        WriteError("document failed validation", 121),
        InvalidOperation("Cannot use MongoClient after close"),
        bulk(11000),
        bulk(11602, 11000),
        BulkWriteError({"writeErrors": [], "writeConcernErrors": []}),
        KeyError("_id"),
    ],
)
def test_what_would_be_wrong_again_is_no_absence(error: Exception) -> None:
    assert not is_away(error)


def serving(database: Database, question: Document, times: int = 1) -> Flask:
    app = Flask("thing-service")
    answering_for(database)(app)

    @app.get("/things")
    def things() -> str:
        return str([database["things"].find_one(question) for _ in range(times)])

    return app


def test_all_operations_of_a_request_share_one_bound(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    database["things"].insert_one({"_id": 1})
    monkeypatch.setattr(availability, "OPERATION_SECONDS", 0.5)
    answer = serving(database, {"$where": "sleep(200) || true"}, times=5).test_client().get("/things")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert serving(database, {"_id": 1}).test_client().get("/things").status_code == 200


def test_a_wrong_question_in_a_request_is_answered_500(database: Database) -> None:
    answer = serving(database, {"$nonsense": 1}).test_client().get("/things")
    assert (answer.status_code, answer.json["code"]) == (500, "INTERNAL_ERROR")
