from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.monitoring import CommandListener, CommandStartedEvent

from chassis import mongo
from chassis.mongo import Database


class Sent(CommandListener):
    """The commands as they went out."""

    def __init__(self) -> None:
        self.commands: dict[str, Any] = {}

    def started(self, event: CommandStartedEvent) -> None:
        self.commands[event.command_name] = event.command

    def succeeded(self, event: Any) -> None: ...
    def failed(self, event: Any) -> None: ...


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    listener = Sent()

    def listened_to(uri: str, *, event_listeners: list[Any], **options: Any) -> Any:
        return pymongo.MongoClient(uri, event_listeners=[*event_listeners, listener], **options)

    monkeypatch.setattr(mongo, "MongoClient", listened_to)
    return listener


@pytest.fixture
def database(fresh_mongodb_uri: str) -> Iterator[Database]:
    made = Database(fresh_mongodb_uri, "thing-service")
    yield made
    made.close()


@pytest.fixture
def empty_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_database_name: str) -> str:
    """The name of a package without migrations."""
    name = f"none_{fresh_database_name}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    return name
