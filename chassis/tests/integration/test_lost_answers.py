"""A write takes effect, and the connection dies before the answer to it has arrived."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event, Thread
from urllib.parse import urlsplit

import pytest

from chassis.mongo import Database


class Line:
    """A port that passes everything on to a server, but one answer."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._command = b""
        self.was_cut = Event()
        Thread(target=self._accept, daemon=True).start()

    def lose_answer_to(self, command: str) -> None:
        """Close the connection in place of passing on the answer to the next such command."""
        self._command = command.encode() + b"\x00"

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                ends = client, socket.create_connection(self._server)
                doomed = Event()
                Thread(target=self._ask, args=(*ends, doomed), daemon=True).start()
                Thread(target=self._answer, args=(*ends, doomed), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, doomed: Event) -> None:
        with suppress(OSError), client, server:
            while asked := client.recv(65536):
                if self._command and self._command in asked:
                    self._command = b""
                    doomed.set()
                server.sendall(asked)

    def _answer(self, client: socket.socket, server: socket.socket, doomed: Event) -> None:
        with suppress(OSError), client, server:
            while answered := server.recv(65536):
                if doomed.is_set():
                    self.was_cut.set()
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(answered)


@pytest.fixture
def line(mongodb_server: str) -> Iterator[Line]:
    host, _, port = urlsplit(mongodb_server).netloc.partition(",")[0].partition(":")
    made = Line((host, int(port)))
    yield made
    made.close()


@pytest.fixture
def distant(line: Line, fresh_database_name: str) -> Iterator[Database]:
    """The database at the other end of the line."""
    made = Database(f"mongodb://127.0.0.1:{line.port}/{fresh_database_name}?directConnection=true", "thing-service")
    made["things"].create_index("name", unique=True)
    yield made
    made.close()


def insert(database: Database) -> None:
    database["things"].insert_one({"_id": 1, "name": "Lamp", "count": 1})


def count_up(database: Database) -> None:
    database["things"].update_one({"_id": 1}, {"$inc": {"count": 1}}, upsert=True)


def transact(database: Database) -> None:
    database.transact(lambda session: database["things"].insert_one({"_id": 1, "count": 1}, session=session))


@pytest.mark.parametrize(
    ("write", "command"),
    [(insert, "insert"), (count_up, "update"), (transact, "insert"), (transact, "commitTransaction")],
)
def test_a_write_whose_answer_was_lost_is_known_again_and_takes_effect_once(
    line: Line, distant: Database, write: Callable[[Database], None], command: str
) -> None:
    line.lose_answer_to(command)
    write(distant)
    assert line.was_cut.is_set()
    assert [item["count"] for item in distant["things"].find()] == [1]
