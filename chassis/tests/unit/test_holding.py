"""What a relay holds back is bounded, tried again, and forgotten when it is gone."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.relay import holding
from chassis.relay.holding import DEFECTS, MOST_DOCUMENTS, Holding


@pytest.fixture
def instant(monkeypatch: Any) -> Any:
    class Clock:
        value = 100.0

    monkeypatch.setattr(holding.time, "monotonic", lambda: Clock.value)
    return Clock


def test_a_held_kind_is_told_once_and_tried_again_after_half_a_minute(instant: Any) -> None:
    held = Holding()
    assert held.hold_kind("a")
    assert not held.hold_kind("a")
    assert held.kinds() == ["a"]
    since = held.notes(lambda _: 7)["a"]["since"]
    instant.value += 31
    assert held.kinds() == []
    assert held.hold_kind("a")
    assert held.notes(lambda _: 7) == {"a": {"since": since, "count": 7}}


def test_what_a_sweep_did_not_meet_again_is_forgotten(instant: Any) -> None:
    held = Holding()
    held.hold_kind("a")
    held.hold_document("things", 1)
    assert held.swept(instant.value)
    assert not held.swept(instant.value), "that was noted already"
    assert held
    instant.value += 31
    assert held.swept(instant.value)
    assert not held
    assert held.notes(lambda _: 0) == {}


def test_documents_are_limited(instant: Any) -> None:
    held = Holding()
    assert all(held.hold_document("things", number) for number in range(MOST_DOCUMENTS))
    assert not held.hold_document("things", MOST_DOCUMENTS)
    assert held.hold_document("things", 0), "one of them may be held again"
    assert len(held.documents("things")) == MOST_DOCUMENTS
    assert held.documents("stones") == []
    assert held.notes(lambda _: 0)[DEFECTS]["count"] == MOST_DOCUMENTS


def test_what_another_relay_held_is_tried_at_once_and_held_since_then(instant: Any) -> None:
    held = Holding()
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    held.inherit({"a": long_ago, "b": long_ago})
    assert held.kinds() == []
    began = time.monotonic()
    held.hold_kind("a")
    assert held.swept(began)
    assert held.notes(lambda _: 1) == {"a": {"since": long_ago, "count": 1}}
