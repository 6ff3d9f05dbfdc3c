"""Asking while news may be late: once for all who want to know, and never for ever."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread
from typing import Any, cast

import pytest

from chassis.errors import ServiceUnavailable
from devkit.waiting import eventually
from gateway.admission import Question, Questions
from gateway.upstream import Upstream


class Asked:
    """Stands for the upstream: keeps what it was asked, and answers as it is told to."""

    name = "auth-service"

    def __init__(self, answer: Callable[[], Any] = lambda: {"live": True}) -> None:
        self.answer = answer
        self.targets: list[str] = []

    def read_json(self, target: str, seconds: float) -> Any:
        self.targets.append(target)
        return self.answer()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def questions(asked: Asked, clock: Clock | None = None) -> Questions:
    return Questions(cast(Upstream, asked), "/internal/sessions", "live", clock or Clock())


def test_twenty_at_once_ask_once() -> None:
    answering, barrier = Event(), Barrier(20)
    asked = Asked(lambda: {"live": answering.wait(10)})
    sessions = questions(asked)

    def ask(_: int) -> bool:
        barrier.wait(10)
        return sessions.ask("s-1")

    with ThreadPoolExecutor(20) as pool:
        answers = pool.map(ask, range(20))
        eventually(lambda: asked.targets)
        answering.set()
        assert list(answers) == [True] * 20
    assert asked.targets == ["/internal/sessions/s-1"]


def test_a_question_under_way_is_joined_however_long_it_takes() -> None:
    question = Question(at=100.0)
    assert not question.is_over(110.0)
    question.answer.set_result(True)
    assert question.is_over(110.0)


def test_an_answer_stands_for_a_second() -> None:
    clock = Clock()
    asked = Asked()
    sessions = questions(asked, clock)
    assert sessions.ask("s-1")
    asked.answer = lambda: {"live": False}
    clock.now += 0.9
    assert sessions.ask("s-1")
    clock.now += 0.1
    assert not sessions.ask("s-1")
    assert len(asked.targets) == 2


@pytest.mark.parametrize("answer", [{"live": "no"}, {"live": 1}, {"live": None}, {}, [], "live", None])
def test_what_is_no_answer_is_not_taken_for_one(answer: Any) -> None:
    with pytest.raises(ServiceUnavailable):
        questions(Asked(lambda: answer)).ask("s-1")


def test_an_id_cannot_lead_elsewhere() -> None:
    asked = Asked()
    questions(asked).ask("../accounts/a?b#c")
    assert asked.targets == ["/internal/sessions/..%2Faccounts%2Fa%3Fb%23c"]


def test_who_waits_is_told_when_the_asking_request_is_killed() -> None:
    asking, killing = Event(), Event()

    def be_killed() -> Any:
        asking.set()
        killing.wait(10)
        raise SystemExit

    sessions = questions(Asked(be_killed))
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            sessions.ask("s-1")
        except BaseException as error:
            raised.append(error)

    for _ in range(2):
        Thread(target=ask, daemon=True).start()
        assert asking.wait(10)
    killing.set()
    eventually(lambda: {type(error) for error in raised} == {SystemExit, ServiceUnavailable})


def test_answers_do_not_pile_up() -> None:
    clock = Clock()
    sessions = questions(Asked(), clock)
    for number in range(10_050):
        sessions.ask(f"s-{number}")
    assert len(sessions) == 10_000
    clock.now += 1
    sessions.ask("another")
    assert len(sessions) == 1
