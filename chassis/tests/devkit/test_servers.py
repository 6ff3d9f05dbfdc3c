"""The fixtures that every integration test builds on, against the real servers."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pika
import pytest
from pymongo import MongoClient

from devkit import mongod
from devkit.pytest_plugin import StartedProcess
from devkit.waiting import eventually, holds_within


def test_the_database_is_a_replica_set_with_transactions(fresh_mongodb_uri: str) -> None:
    with MongoClient[dict[str, object]](fresh_mongodb_uri) as client:
        database = client.get_default_database()
        with client.start_session() as session, session.start_transaction():
            database.things.insert_one({"_id": 1}, session=session)
        assert database.things.count_documents({}) == 1


def test_each_test_has_a_database_of_its_own(fresh_mongodb_uri: str, mongodb_uri: str) -> None:
    assert fresh_mongodb_uri != mongodb_uri
    with MongoClient[dict[str, object]](fresh_mongodb_uri) as client:
        assert client.get_default_database().list_collection_names() == []


def test_a_primary_is_told_from_a_port_where_nothing_is(mongodb_server: str) -> None:
    port = int(mongodb_server.split(":")[2].split("/")[0])
    assert mongod.is_primary(port)
    assert not mongod.is_primary(1)


def test_the_broker_confirms_to_a_quorum_queue(amqp_url: str) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(amqp_url))
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("devkit-test", durable=True, arguments={"x-queue-type": "quorum"})
        channel.basic_publish("", "devkit-test", b"hello", mandatory=True)
        assert eventually(lambda: channel.basic_get("devkit-test", auto_ack=True)[2]) == b"hello"
        channel.queue_delete("devkit-test")
    finally:
        connection.close()


def test_a_started_process_is_gone_after_a_kill(start_process: Callable[..., StartedProcess], tmp_path: Path) -> None:
    served = start_process("http.server", env={}, arguments=["--bind", "127.0.0.1", "0"], cwd=tmp_path)
    eventually(lambda: "Serving" in served.log)
    served.kill()
    assert not served.is_alive()


_PURE = """
import pathlib, tempfile
def test_pure():
    assert not list(pathlib.Path(tempfile.gettempdir()).glob("appointment-test-servers-*"))
def test_not_pure(mongodb_server):
    assert list(pathlib.Path(tempfile.gettempdir()).glob("appointment-test-servers-*"))
"""


def test_servers_are_started_when_the_first_test_asks_for_one_and_are_gone_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "test_pure.py").write_text(_PURE)
    given = {name: value for name, value in os.environ.items() if not name.startswith(("TEST_", "DEVKIT_"))}
    options = ["-p", "no:pytest_nameko", "-p", "devkit.pytest_plugin", "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path / "test_pure.py")],
        env={**given, "TMPDIR": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.glob("appointment-test-servers-*")) == []


def test_waiting_ends_with_what_was_still_wrong() -> None:
    with pytest.raises(AssertionError, match="still None"):
        eventually(lambda: None, timeout=0.1)
    assert not holds_within(0.1, lambda: False)
