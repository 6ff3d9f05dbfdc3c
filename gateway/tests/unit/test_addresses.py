"""Whose turn it is among a service's replicas, and who is left alone."""

import socket
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from stand_ins import serving

from gateway.addresses import SILENT_AFTER, Address, Addresses, _answers

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
    monkeypatch.setattr("gevent.spawn", lambda *_: None)
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


def test_a_new_replica_comes_last_until_it_answers(
    resolve: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Address] = []
    answers = iter([False, True])

    def loaded(address: Address, _: str) -> bool:
        asked.append(address)
        return next(answers)

    monkeypatch.setattr("gateway.addresses._answers", loaded)
    monkeypatch.setattr("gateway.addresses._NEWCOMER_ASKED_EVERY_SECONDS", 0)
    resolve(ONE)
    addresses = Addresses("things", 80)
    addresses.in_turn()
    resolve(ONE, TWO)
    begun: list[Callable[[], None]] = []
    monkeypatch.setattr("gevent.spawn", lambda work, *given: begun.append(partial(work, *given)))
    assert [addresses.in_turn() for _ in range(4)] == [[ONE, TWO]] * 4
    (start,) = begun
    start()
    assert asked == [TWO, TWO]
    assert {addresses.in_turn()[0] for _ in range(2)} == {ONE, TWO}


def test_a_newcomer_that_only_listens_has_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.addresses._NEWCOMER_ASKED_FOR_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as loading:
        assert not _answers(loading.getsockname(), "things")
    with serving() as service:
        assert _answers(("127.0.0.1", service.port), "things")


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


def test_who_took_no_connection_makes_the_name_be_looked_up_again(
    resolve: Callable[..., None], clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve(ONE, TWO)
    addresses = Addresses("things", 80)
    addresses.in_turn()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(0, 0, 0, "", TWO)])
    addresses.refused(ONE)
    # a dead service is asked by many at once, and its name no more often for it
    assert set(addresses.in_turn()) == {ONE, TWO}
    clock(0.6)
    assert addresses.in_turn() == [TWO]


def test_while_one_looks_the_name_up_others_take_what_was_known(
    resolve: Callable[..., None], clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve(ONE)
    addresses = Addresses("things", 80)
    addresses.in_turn()
    clock(6)
    asked: list[list[Address]] = []

    def slowly(*_: object, **__: object) -> list[object]:
        asked.append(addresses.in_turn())
        return [(0, 0, 0, "", TWO)]

    monkeypatch.setattr("socket.getaddrinfo", slowly)
    assert addresses.in_turn() == [TWO]
    assert asked == [[ONE]]


def test_a_name_that_stands_for_nothing_is_looked_up_each_time(
    resolve: Callable[..., None], clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve(ONE)
    addresses = Addresses("things", 80)
    addresses.in_turn()

    def unknown(*_: object, **__: object) -> list[object]:
        raise OSError("no such name")

    clock(6)
    with monkeypatch.context() as gone:
        gone.setattr("socket.getaddrinfo", unknown)
        for _ in range(2):
            with pytest.raises(OSError, match="no such name"):
                addresses.in_turn()
    assert addresses.in_turn() == [ONE]


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
