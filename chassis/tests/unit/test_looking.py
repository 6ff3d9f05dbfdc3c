"""What could not be looked at is not told: an old figure would look like one of now."""

from math import isnan

import pytest
from prometheus_client import REGISTRY, Gauge
from pymongo.errors import ServerSelectionTimeoutError

from chassis.mongo import Database
from chassis.relay import looking

SINGLE = Gauge("test_single", "Without labels.")
LABELLED = Gauge("test_labelled", "With one.", ["name"])


def test_while_the_database_is_away_no_old_figure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    away, database = False, Database("mongodb://127.0.0.1:9/x?replicaSet=rs0", "x")

    def do() -> None:
        if away:
            raise ServerSelectionTimeoutError
        SINGLE.set(3)
        LABELLED.labels("a").set(4)

    def told() -> list[float | None]:
        monkeypatch.setattr(looking, "noted", lambda _: {})
        looking._look_at_database(database, [], [looking.Look(do, labelled=[LABELLED], single=[SINGLE])])
        labels = {"name": "a"}
        return [
            REGISTRY.get_sample_value(name, given)
            for name, given in (("test_single", {}), ("test_labelled", labels), ("database_away", {}))
        ]

    assert told() == [3, 4, 0]
    away = True
    single, labelled, database_away = told()
    assert single is not None
    assert isnan(single)
    assert labelled is None
    assert database_away == 1
    database.close()
