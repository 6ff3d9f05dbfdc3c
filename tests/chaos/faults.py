"""What is done to the suite: processes are killed, frozen and restarted, the primary is cut off, a binding is lost."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException

from chassis import amqp
from devkit.waiting import eventually, holds_within
from tests.chaos.instance import ChaosInstance
from tests.chaos.sabotage import Guard

#: Without the port mapper nothing of the broker can start again, and no client ever talks to it.
_SPARED = {"epmd"}
_MEMBERS = ("mongod", "mongod-2", "mongod-3")
#: A kind that clients cause all the time.
_UNBOUND = ("appointment-service", "appointment-completed")

Tell = Callable[[str], None]


class Tormentor:
    """Draws victims and faults; ``counts`` says what was done: {(fault, process): how often}."""

    def __init__(self, suite: ChaosInstance, seed: int, tell: Tell, copies: str, guard: Guard | None = None) -> None:
        self._suite = suite
        self._dice = random.Random(seed)
        self._tell = tell
        self._copies = copies
        self._only = guard.faults if guard else ()
        self._victims = guard.victims if guard else ()
        self.counts: Counter[tuple[str, str]] = Counter()
        self._faults: dict[str, Callable[[], str]] = {
            "kill": self._kill,
            "freeze": self._freeze,
            "restart": self._restart,
            "isolate": self._isolate,
            "unbind": self._unbind,
        }

    @property
    def kills(self) -> int:
        return sum(count for (fault, _), count in self.counts.items() if fault in ("kill", "isolate"))

    def torment(self, kills: int, stopped: Event) -> None:
        """Do one thing after the other until that many processes were killed."""
        weights = {"kill": 60, "freeze": 15, "restart": 12, "isolate": 3, "unbind": 2}
        names = [name for name in weights if not self._only or name in self._only]
        while self.kills < kills and not stopped.is_set():
            fault = self._dice.choices(names, [weights[name] for name in names])[0]
            began = time.monotonic()
            victim = self._faults[fault]()
            if not victim:
                continue
            self.counts[fault, victim] += 1
            self._tell(f"{fault} {victim} ({self.kills} killed, {time.monotonic() - began:.1f} s)")
            self._pause(self._dice.uniform(0.5, 3.0))
            if self._only == ("unbind",) and self.counts[fault, victim] >= 3:
                return

    def _pause(self, seconds: float) -> None:
        holds_within(seconds, lambda: False)

    def _victim(self) -> tuple[str, int]:
        """A process that runs, or one of its workers."""
        alive = {state.name: state.pid for state in self._suite.supervisor.states().values() if state.pid}
        chosen = [name for name in alive if not self._victims or name.endswith(self._victims)]
        if not chosen:
            return "", 0
        name = self._dice.choice(sorted(set(chosen) - _SPARED))
        workers = _children(alive[name])
        if name.endswith("-web") and workers and self._dice.random() < 0.5:
            return f"{name}'s worker", self._dice.choice(workers)
        return name, alive[name]

    def _kill(self) -> str:
        name, pid = self._victim()
        return name if _signal(pid, signal.SIGKILL) else ""

    def _freeze(self) -> str:
        name, pid = self._victim()
        if not _signal(pid, signal.SIGSTOP):
            return ""
        self._pause(self._dice.uniform(1.0, 6.0))
        _signal(pid, signal.SIGCONT)
        return name

    def _restart(self) -> str:
        states = self._suite.supervisor.states()
        name = self._dice.choice(sorted(states.keys() - _SPARED))
        with self._stopped([name]):
            return name

    def _isolate(self) -> str:
        """Kill the primary as nobody hears it any more: what it took in these seconds, nobody else has."""
        primary = self._suite.primary()
        others = [self._suite.pid(name) for name in _MEMBERS if name != primary]
        if not primary or not all(others):
            return ""
        for pid in others:
            _signal(pid, signal.SIGSTOP)
        # longer than an election: back before one, it would be the primary again, with all that it took
        self._pause(2.6)
        killed = _signal(self._suite.pid(primary), signal.SIGKILL)
        for pid in others:
            _signal(pid, signal.SIGCONT)
        return primary if killed else ""

    def _unbind(self) -> str:
        """Take one kind's queues from its exchange for some seconds, as a hand on the broker may.

        All of them at once: nobody can tell an event that only some of its queues took. So nothing is published while
        there are some, and no consumer starts and binds its own queue.
        """
        source, kind = _UNBOUND
        table = self._suite.subscriptions
        services = [who for who, row in table.items() if kind in row.get(source, ())]
        everything = [*(amqp.queue(who, source, kind) for who in services), self._copies]
        with self._stopped([f"{who.removesuffix('-service')}-consumer" for who in services]):
            for bound, seconds in ((False, 4.0), (True, 0.0)):
                with self._stopped([f"{source.removesuffix('-service')}-relay"]):
                    eventually(partial(self._bind, everything, source, kind, bound=bound), timeout=60)
                self._pause(seconds)
        return f"{len(services)} queues of {kind}"

    @contextmanager
    def _stopped(self, names: list[str]) -> Iterator[None]:
        self._suite.supervisor.stop_and_wait(names)
        yield
        self._suite.supervisor.start_processes(names)

    def _bind(self, queues: Iterable[str], source: str, kind: str, *, bound: bool) -> bool:
        try:
            with pika.BlockingConnection(pika.URLParameters(self._suite.amqp_url)) as connection:
                channel = connection.channel()
                for queue in queues:
                    (channel.queue_bind if bound else channel.queue_unbind)(queue, amqp.exchange(source), kind)
        except (pika.exceptions.AMQPError, AMQPConnectorException, OSError):
            return False
        return True


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _signal(pid: int, number: int) -> bool:
    if not pid:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False
