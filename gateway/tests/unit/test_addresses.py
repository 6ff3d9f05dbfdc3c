"""Whose turn it is among a service's replicas, and who is left alone."""

from collections import Counter
from collections.abc import Callable

import pytest

from gateway.addresses import SILENT_AFTER, Address, Addresses

ONE, TWO, THREE = ("10.0.0.1", 80), ("10.0.0.2", 80), ("10.0.0.3", 80)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the time on."""
    now = [1000.0]
    monkeypatch.setattr("gateway.addresses.time.monotonic", lambda: now[0])

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch, clock: Callable[[float], None]) -> Callable[..., None]:
    """Says what the name stands for from the next look on."""
    known: list[Address] = []
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(0, 0, 0, "", address) for address in known])

    def stand_for(*addresses: Address) -> None:
        known[:] = addresses
        clock(6)

    return stand_for


def test_each_replica_is_served_evenly(resolve: Callable[..., None]) -> None:
    resolve(ONE, TWO, THREE)
    addresses = Addresses("things", 80)
    assert Counter(addresses.in_turn()[0] for _ in range(30)) == {ONE: 10, TWO: 10, THREE: 10}


def test_a_new_replica_is_found_and_one_that_is_gone_is_dropped(resolve: Callable[..., None]) -> None:
    resolve(ONE)
    addresses = Addresses("things", 80)
    assert addresses.in_turn() == [ONE]
    resolve(ONE, TWO)
    assert set(addresses.in_turn()) == {ONE, TWO}
    resolve(TWO)
    assert addresses.in_turn() == [TWO]


def test_who_has_the_least_to_do_is_asked_first(resolve: Callable[..., None]) -> None:
    resolve(ONE, TWO)
    addresses = Addresses("things", 80)
    addresses.under_way[ONE] = 7
    assert [addresses.in_turn()[0] for _ in range(4)] == [TWO] * 4


def test_who_took_no_connection_comes_last_for_a_while(
    resolve: Callable[..., None], clock: Callable[[float], None]
) -> None:
    resolve(ONE, TWO)
    addresses = Addresses("things", 80)
    addresses.in_turn()
    addresses.refused(ONE)
    assert [addresses.in_turn() for _ in range(3)] == [[TWO, ONE]] * 3
    clock(6)
    assert {addresses.in_turn()[0] for _ in range(2)} == {ONE, TWO}


def test_who_gives_no_answer_again_and_again_is_left_out_but_for_a_trial_a_second(
    resolve: Callable[..., None], clock: Callable[[float], None]
) -> None:
    resolve(ONE)
    addresses = Addresses("things", 80)
    for _ in range(SILENT_AFTER):
        assert addresses.in_turn() == [ONE]
        addresses.silent(ONE)
    assert addresses.in_turn() == []
    clock(1.1)
    assert [addresses.in_turn() for _ in range(3)] == [[ONE], [], []]
    addresses.answered(ONE)
    assert [addresses.in_turn() for _ in range(3)] == [[ONE]] * 3


def test_silences_count_in_a_row_alone(resolve: Callable[..., None]) -> None:
    resolve(ONE)
    addresses = Addresses("things", 80)
    for _ in range(SILENT_AFTER * 3):
        addresses.silent(ONE)
        addresses.answered(ONE)
    assert addresses.in_turn() == [ONE]
