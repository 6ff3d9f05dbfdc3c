"""One clock for all hosts."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from chassis import mongo


def test_the_databases_clock_is_asked_every_ten_seconds_and_counted_on_whatever_this_hosts_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = datetime(2026, 3, 1, 9, 30)  # noqa: DTZ001  (as the driver gives it)
    answers: list[str] = []
    passed = [1_000.0]

    def command(name: str) -> dict[str, datetime]:
        answers.append(name)
        return {"localTime": told + timedelta(hours=len(answers))}

    database: Any = SimpleNamespace(client=SimpleNamespace(admin=SimpleNamespace(command=command)))
    monkeypatch.setattr(mongo, "time", SimpleNamespace(monotonic=lambda: passed[0]))
    clock = mongo.DatabaseClock(database)
    first = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
    assert clock() == first
    passed[0] += 9.9994
    assert clock() == first + timedelta(seconds=9, milliseconds=999), "MongoDB keeps milliseconds"
    passed[0] += 0.1
    assert clock() == first + timedelta(hours=1)
    assert answers == ["hello", "hello"]
