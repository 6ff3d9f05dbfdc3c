"""What could not be looked at is not told: an old figure would look like one of now."""

from collections.abc import Iterator
from math import isnan

import pytest
from prometheus_client import REGISTRY, Gauge
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError

from chassis.mongo import Database
from chassis.relay import looking

SINGLE = Gauge("test_single", "Without labels.")
LABELLED = Gauge("test_labelled", "With one.", ["name"])
OTHER = Gauge("test_other", "Of another look.")


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr(looking, "noted", lambda _: {})
    away = Database("mongodb://127.0.0.1:9/x?replicaSet=rs0", "x")
    yield away
    away.close()


def told() -> list[float | None]:
    labels = {"test_labelled": {"name": "a"}}
    names = ("test_single", "test_labelled", "database_away")
    return [REGISTRY.get_sample_value(name, labels.get(name, {})) for name in names]


@pytest.mark.parametrize(
    ("error", "away"),
    [(ServerSelectionTimeoutError, 1), (OperationFailure("no such stage"), 0), (KeyError("canary"), 0)],
)
def test_of_a_look_that_failed_no_old_figure_is_told(
    database: Database, error: type[Exception] | Exception, away: int
) -> None:
    failing = False

    def do() -> None:
        if failing:
            raise error
        SINGLE.set(3)
        LABELLED.labels("a").set(4)

    look = looking.Look(do, labelled=[LABELLED], single=[SINGLE])
    looking._look_at_database(database, [], [look])
    assert told() == [3, 4, 0]
    failing = True
    looking._look_at_database(database, [], [look])
    single, labelled, database_away = told()
    assert single is not None
    assert isnan(single)
    assert labelled is None
    assert database_away == away


def test_a_defect_of_one_look_ends_no_other(database: Database) -> None:
    def broken() -> None:
        raise KeyError("canary")

    OTHER.set(0)
    looking._look_at_database(database, [], [looking.Look(broken), looking.Look(lambda: OTHER.set(5))])
    assert REGISTRY.get_sample_value("test_other") == 5


def test_a_defect_as_the_broker_is_asked_is_not_that_it_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("canary")

    looking.DEAD.labels("x").set(7)
    monkeypatch.setattr(looking.broker, "bounded", broken)
    looking._look_at_broker("amqp://127.0.0.1:9/", [], "x")
    assert REGISTRY.get_sample_value("dead_letters", {"queue": "x"}) is None
    assert REGISTRY.get_sample_value("broker_away") == 0
