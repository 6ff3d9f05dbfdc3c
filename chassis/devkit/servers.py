"""MongoDB and RabbitMQ for a run of tests: without a supervisor, on own ports, gone when the run is."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from devkit import mongod, ports, say
from devkit.health import Check
from devkit.processes import OFFSETS
from devkit.rabbitmq import Broker
from devkit.recipes import Recipe
from devkit.waiting import holds_within


class TestServers:
    """Start what is asked for; `stop` ends it and removes its data. If the run is killed outright, so are they."""

    #: Not a class of tests, whatever its name says to pytest.
    __test__ = False

    def __init__(self, vhosts: tuple[str, ...] = ("test",)) -> None:
        self._block = ports.PortBlock.take()
        self.folder = Path(tempfile.mkdtemp(prefix="appointment-test-servers-"))
        self._children: list[subprocess.Popen[bytes]] = []
        self.mongods: dict[int, subprocess.Popen[bytes]] = {}
        """The members of the replica set by their ports."""
        self._primary: subprocess.Popen[str] | None = None
        self._broker_process: subprocess.Popen[bytes] | None = None
        self.broker = Broker(
            folder=self.folder / "rabbitmq",
            port=self._port("rabbitmq"),
            epmd_port=self._port("epmd"),
            dist_port=self._port("rabbitmq-dist"),
            user="test",
            password=secrets.token_urlsafe(16),
            vhosts=vhosts,
        )

    def _port(self, name: str) -> int:
        return self._block.start + OFFSETS[name]

    @property
    def mongodb_uri(self) -> str:
        return mongod.uri(*self.mongods)

    def begin_mongod(self, members: int = 1) -> None:
        for name in ("mongod", "mongod-2", "mongod-3")[:members]:
            self._begin_member(name, members)
        self._primary = mongod.begin_primary(list(self.mongods))

    def finish_mongod(self) -> None:
        """Wait until it takes writes."""
        assert self._primary is not None
        helper, self._primary = self._primary, None
        said, _ = helper.communicate()
        if helper.returncode != 0:
            raise say.Failure(f"MongoDB did not become ready: {said.strip()}\n{self._tail('mongod')}")

    def begin_mongod_again(self, port: int) -> None:
        """Start a member that was ended, with the data that it had."""
        (name,) = (name for name in OFFSETS if self._port(name) == port)
        self._begin_member(name, len(self.mongods))

    def _begin_member(self, name: str, members: int) -> None:
        recipe = mongod.recipe(self.folder / name, self._port(name), members=members, dies_with=os.getpid())
        self.mongods[self._port(name)] = self._begin(name, recipe)

    def begin_rabbitmq(self) -> None:
        self._begin("epmd", self.broker.epmd_recipe(dies_with=os.getpid()))
        if not holds_within(10, Check("tcp", self.broker.epmd_port).passes):
            raise say.Failure(f"the Erlang port mapper did not start\n{self._tail('epmd')}")
        self._broker_process = self._begin("rabbitmq", self.broker.recipe(dies_with=os.getpid()))

    def finish_rabbitmq(self) -> None:
        """Wait until it speaks AMQP."""
        child = self._broker_process
        assert child is not None
        ready = Check("amqp", self.broker.port)
        holds_within(60, lambda: ready.passes() or child.poll() is not None)
        if not ready.passes():
            raise say.Failure(f"RabbitMQ did not become ready\n{self._tail('rabbitmq')}")

    def _begin(self, name: str, recipe: Recipe) -> subprocess.Popen[bytes]:
        child = recipe.start(self.folder / f"{name}.json", self.folder / f"{name}.log")
        self._children.append(child)
        return child

    def _tail(self, name: str) -> str:
        return "\n".join((self.folder / f"{name}.log").read_text(errors="replace").splitlines()[-15:])

    def stop(self) -> None:
        # Backwards: the broker signs off at its port mapper.
        for child in reversed(self._children):
            end_group(child)
        self._children.clear()
        if self._primary is not None:
            self._primary.kill()
            self._primary.communicate()
            self._primary = None
        self._block.release()
        shutil.rmtree(self.folder, ignore_errors=True)


def end_group(child: subprocess.Popen[bytes], patience: float = 20, politely: int = signal.SIGTERM) -> None:
    """End a process that leads its own group, and whatever it started: politely, then not."""
    for signal_number in (politely, signal.SIGKILL):
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal_number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(patience)
    # The leader is gone; stragglers of its group are not worth waiting for.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
