"""The table that counts requests."""

import multiprocessing
from collections.abc import Callable

import pytest

from gateway.buckets import Buckets, Quota


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the time on; it begins at 1,000 s."""
    now = [1000.0]

    def move(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr("gateway.buckets.time.monotonic", lambda: now[0])
    return move


@pytest.mark.usefixtures("clock")
def test_a_whole_quota_passes_at_once_and_not_one_more() -> None:
    buckets, quota = Buckets(), Quota(5)
    taken = [buckets.take("user", "ann", quota) for _ in range(7)]
    assert [one.passes for one in taken] == [True] * 5 + [False] * 2
    assert [one.remaining for one in taken] == [4, 3, 2, 1, 0, 0, 0]
    assert taken[0].full_after == pytest.approx(12)
    assert (taken[-1].full_after, taken[-1].again_after) == (pytest.approx(60), pytest.approx(12))


def test_the_quota_comes_back_evenly_and_who_was_refused_is_not_counted(clock: Callable[[float], None]) -> None:
    buckets, quota = Buckets(), Quota(5)
    for _ in range(50):
        buckets.take("user", "ann", quota)
    clock(12.01)
    assert [buckets.take("user", "ann", quota).passes for _ in range(2)] == [True, False]
    clock(3600)
    assert sum(buckets.take("user", "ann", quota).passes for _ in range(9)) == 5


@pytest.mark.usefixtures("clock")
def test_each_client_and_each_kind_has_a_quota_of_its_own() -> None:
    buckets, quota = Buckets(), Quota(1)
    assert buckets.take("user", "ann", quota).passes
    assert buckets.take("user", "ben", quota).passes
    assert buckets.take("heavy", "ann", quota).passes
    assert not buckets.take("user", "ann", quota).passes


@pytest.mark.usefixtures("clock")
def test_a_million_clients_take_no_more_memory_and_the_busiest_are_remembered() -> None:
    buckets, quota = Buckets(entries=64), Quota(10)
    for _ in range(10):
        buckets.take("address", "flood", quota)
    passed = 0
    for number in range(1000):
        buckets.take("address", str(number), quota)
        passed += buckets.take("address", "flood", quota).passes
    assert passed == 0


def test_workers_that_are_forked_count_together() -> None:
    buckets, quota = Buckets(), Quota(40, 3600)
    context = multiprocessing.get_context("fork")
    passed = context.Value("i", 0)

    def ask() -> None:
        for _ in range(30):
            taken = buckets.take("user", "ann", quota)
            with passed.get_lock():
                passed.value += taken.passes

    workers = [context.Process(target=ask) for _ in range(2)]
    for worker in workers:
        # one after the other: that two in the same microsecond count once is admitted
        worker.start()
        worker.join(20)
    assert passed.value == 40
