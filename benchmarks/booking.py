"""Booking through the gateway beside the bare driver that inserts the same document."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pymongo

from benchmarks.load import Load, in_turn, median, put, ratio
from benchmarks.results import Figure, Part
from benchmarks.world import World

GOAL = 0.4
CLIENTS = 32


def measure(world: World, seconds: float, rounds: int) -> Part:
    """Ratio of the rates of distinct slots, 32 clients or threads each."""
    each = int(150 * seconds)
    database = world.mongo["appointment-service"]
    put(world.suite.gateway_url, world.bookings(64), clients=CLIENTS, once=True)
    sample = database["appointments"].find_one({"claims": {"$exists": True}})
    assert sample
    bare = database.client["bare"]["appointments"]
    bare.drop()
    _like(database["appointments"], bare)
    numbers = count()

    def book() -> Load:
        load = put(world.suite.gateway_url, world.bookings(each), clients=CLIENTS, once=True)
        assert load.refused == load.broken == 0, load
        return load

    booked, inserted = in_turn(rounds, book, lambda: _insert(bare, sample, numbers, each))
    share = ratio(booked, inserted)
    rates = [median(load.rate for load in loads) for loads in (booked, inserted)]
    p50, p99 = median(load.p50 for load in booked), median(load.p99 for load in booked)
    told = f"{share:.2f} × ({rates[0]:.0f}/s, p50 {p50:.0f} ms, p99 {p99:.0f} ms; the driver {rates[1]:.0f}/s)"
    figure = Figure("booking, distinct slots, 32 clients", f"≥ {GOAL} × the bare driver", told, share >= GOAL)
    return Part("booking", [figure])


def _like(collection: Any, bare: Any) -> None:
    for name, index in collection.index_information().items():
        options = {key: value for key, value in index.items() if key not in ("key", "v", "ns")}
        if name != "_id_":
            bare.create_index(index["key"], name=name, **options)


def _insert(bare: Any, sample: dict[str, Any], numbers: Any, each: int) -> Load:
    """The same document with other claims, one insert after the other in each of 32 threads, majority and journaled."""
    collection = bare.with_options(write_concern=pymongo.WriteConcern("majority", j=True))

    def insert(_: int) -> float:
        number = next(numbers)
        claims = [f"{claim[:2]}{number}:{claim}" for claim in sample["claims"]]
        began = time.perf_counter()
        collection.insert_one({**sample, "_id": f"bare-{number}", "claims": claims})
        return time.perf_counter() - began

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        took = sorted(pool.map(insert, range(each)))
    seconds = time.perf_counter() - began
    return Load(each / seconds, took[each // 2] * 1000, took[each * 99 // 100] * 1000, 0, 0, each)
