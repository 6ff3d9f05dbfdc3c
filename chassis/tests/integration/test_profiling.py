"""The tests' own look at query plans sees what it is there to see."""

from collections.abc import Iterator

import pytest

from chassis.mongo import Database
from devkit.profiling import Profile, assert_indexed, profiled


@pytest.fixture
def profile(database: Database) -> Iterator[Profile]:
    things = database["things"]
    things.delete_many({})
    things.create_index("size")
    things.insert_many([{"size": number % 10, "name": f"thing {number}"} for number in range(500)])
    with profiled(database) as made:
        yield made


def test_what_an_index_answers_passes(profile: Profile, database: Database) -> None:
    assert len(list(database["things"].find({"size": 3}).limit(20))) == 20
    assert_indexed(profile.new(), examined=20)


def test_nothing_recorded_is_no_proof(profile: Profile) -> None:
    with pytest.raises(AssertionError, match="nothing was recorded"):
        assert_indexed(profile.new(), examined=20)


@pytest.mark.parametrize(
    "query",
    [
        lambda things: things.find({"name": "thing 3"}),
        lambda things: things.find({"size": 3}).sort("name"),
        lambda things: things.find({"size": 3}),
        lambda things: things.aggregate([{"$group": {"_id": "$name"}}]),
        lambda things: [things.update_many({"name": "thing 3"}, {"$set": {"name": "other"}})],
        lambda things: [things.delete_one({"name": "thing 4"})],
    ],
)
def test_a_scan_a_sort_in_memory_and_too_many_documents_do_not(
    profile: Profile, database: Database, query: object
) -> None:
    list(query(database["things"]))  # type: ignore[operator]
    with pytest.raises(AssertionError):
        assert_indexed(profile.new(), examined=20)


def test_each_look_tells_what_is_new(profile: Profile, database: Database) -> None:
    database["things"].find_one({"size": 3})
    assert len(profile.new()) == 1
    assert profile.new() == []
