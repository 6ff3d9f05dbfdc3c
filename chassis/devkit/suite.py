"""One running suite: local servers and every process of the seven services, under a supervisord of its own."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from devkit import dotenv, layout, locking, mongod, orphans, ports, say, starting, workers
from devkit.processes import OFFSETS, Plan, Process
from devkit.recipes import Recipe
from devkit.supervisor import DOWN, Supervisor
from devkit.waiting import holds_within

#: Each process is given ports of its own: one from outside can only be meant for a single service.
_OF_ONE_PROCESS = {"PORT", "GATEWAY_PORT", "METRICS_PORT"}


@dataclass(frozen=True)
class Row:
    name: str
    pid: int
    state: str
    healthy: bool
    uptime: int
    metrics_port: int


class Instance:
    """A suite in `folder`, apart from every other: own ports, servers, data and processes.

    `settings` are the variables of its processes, as `.env` holds them; without a `gateway_port` it gets one itself.
    """

    #: A process to end with, if it should not outlive it.
    dies_with = 0

    def __init__(
        self, folder: Path, settings: Mapping[str, str], gateway_port: int | None = None, mail: Path | None = None
    ) -> None:
        self.folder = folder.resolve()
        # who was erased outlives the databases: a ledger of this instance's own, unless one is named
        self.settings = {"ERASURE_LEDGER": str(self.folder / "erasures" / "ledger"), **settings}
        self.mail_folder = mail or self.folder / "mail"
        self.supervisor = Supervisor(self.folder)
        #: Services that run another version's code than this checkout's, by their names; `up` makes it so.
        self.instead: dict[str, layout.Service] = {}
        self._gateway_port = gateway_port
        #: While it is there only servers start, for the reason that it tells.
        self.unusable = self.folder / "unusable"
        self._note = self.folder / "instance.json"

    # -- what others need to know of it -------------------------------------------------------------------------

    @property
    def plan(self) -> Plan:
        return Plan(self.folder, self.ports, self.settings, self.mail_folder, self.instead)

    @property
    def ports(self) -> dict[str, int]:
        noted = self._noted()
        if "block" not in noted:
            raise say.Failure("the suite was never started here: make up")
        found = {name: noted["block"] + offset for name, offset in OFFSETS.items()}
        if self._gateway_port:
            found["gateway"] = self._gateway_port
        return found

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['gateway']}"

    @property
    def mongodb_uri(self) -> str:
        return self.plan.mongodb_uri

    @property
    def amqp_url(self) -> str:
        return self.plan.amqp_url

    def log(self, process: str) -> Path:
        return self.folder / "log" / f"{process}.log"

    def environment(self, process: str) -> dict[str, str]:
        """The variables that `process` runs with."""
        return self._recipe(process).env

    def run_in(
        self, process: str, module: str, *arguments: str, capture: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -m module arguments…` once, as `process` would: its folder, libraries and variables.

        Its output is shown, or kept in the answer with `capture`; whether the process itself runs does not matter.
        """
        recipe = self._recipe(process)
        python = shutil.which("python", path=recipe.env["PATH"])
        assert python, f"{process} has no Python"
        # the heartbeat is the process's own: what runs beside it must not speak for it
        env = {name: value for name, value in recipe.env.items() if name != "HEARTBEAT_FILE"}
        return subprocess.run(
            [python, "-m", module, *arguments], cwd=recipe.cwd, env=env, capture_output=capture, text=True, check=False
        )

    def _recipe(self, process: str) -> Recipe:
        return next(p for p in self.plan.processes() if p.name == process).recipe

    def _noted(self) -> dict[str, int]:
        noted: dict[str, int] = json.loads(self._note.read_text()) if self._note.exists() else {}
        return noted

    # -- start and stop -----------------------------------------------------------------------------------------

    def up(self, report: Callable[[str], None] = say.line) -> None:
        """Start what is missing, restart what is configured differently now, return when every part is healthy."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with locking.exclusive(self.folder / "up.lock", "waiting for another start or stop of this suite"):
            if not self.supervisor.is_running():
                self._start_supervisor(report)
            else:
                self._refuse_taken_gateway_port()
                self._write_configuration()
                self.supervisor.apply_configuration()
            self._start_in_stages(report)

    def _refuse_unusable(self, processes: Iterable[Process]) -> None:
        if self.unusable.exists() and any(process.stage == 2 for process in processes):
            raise say.Failure(self.unusable.read_text())

    def _start_supervisor(self, report: Callable[[str], None]) -> None:
        if ended := orphans.end(self.folder):
            report(f"  ok ended {ended} processes whose supervisor had died")
        self._refuse_taken_gateway_port()
        block = ports.PortBlock.take(self._noted().get("block"))
        self._note.write_text(json.dumps({"block": block.start}))
        self._write_configuration()
        self.supervisor.start(block.descriptor, dies_with=self.dies_with)
        block.release()
        if not holds_within(20, self.supervisor.is_running):
            raise say.Failure(f"supervisord did not start; see {self.supervisor.log.parent / 'supervisord.out'}")

    def _refuse_taken_gateway_port(self) -> None:
        port = self._gateway_port
        if port is None or ports.is_free(port):
            return
        holders = ports.listeners(port)
        if set(holders) & set(orphans.of_instance(self.folder)):
            return
        who = orphans.describe(holders[0]) if holders else "another process"
        raise say.Failure(f"port {port} is in use by {who}; choose another one: GATEWAY_PORT=9090 make up")

    def _write_configuration(self) -> None:
        plan = self.plan
        commands = {p.name: p.recipe.save(self.folder / "process" / f"{p.name}.json") for p in plan.processes()}
        self.supervisor.configure(commands)

    def _start_in_stages(self, report: Callable[[str], None]) -> None:
        processes = self.plan.processes()
        for stage in sorted({process.stage for process in processes}):
            now = [process for process in processes if process.stage == stage]
            self._refuse_unusable(now)
            states = self.supervisor.states()
            self.supervisor.start_processes(p.name for p in now if states[p.name].state in DOWN)
            with starting.replica_set_among(now, self.plan.election_ms):
                starting.wait_until_healthy(now, self.supervisor, self.log, report)

    def down(self, report: Callable[[str], None] = say.line) -> None:
        """End every process, those first that use others; nothing of this instance is left running."""
        if not self.folder.exists():
            return
        with locking.exclusive(self.folder / "up.lock", "waiting for another start or stop of this suite"):
            if self.supervisor.is_running():
                stages = self._stages()
                for stage in sorted(set(stages.values()), reverse=True):
                    self.supervisor.stop_and_wait([name for name, at in stages.items() if at == stage])
                self.supervisor.shut_down()
            if ended := orphans.end(self.folder):
                report(f"  ok ended {ended} processes that were still there")
            self.supervisor.forget_socket()

    def _stages(self) -> dict[str, int]:
        """The stage of every process that supervisord has now, whatever the settings say by now."""
        known = {process.name: process.stage for process in self.plan.processes()}
        servers = {"mongod": 1, "mongod-2": 1, "mongod-3": 1, "epmd": 0, "mail": 0, "rabbitmq": 1}
        return {name: known.get(name, servers.get(name, 2)) for name in self.supervisor.states()}

    # -- single processes ---------------------------------------------------------------------------------------

    def status(self) -> list[Row]:
        """Every process of the table; what should be there and is not is listed too."""
        running = self.supervisor.is_running()
        states = self.supervisor.states() if running else {}
        rows = []
        for process in self.plan.processes():
            state = states.get(process.name)
            alive = state is not None and state.pid > 0
            row = Row(
                process.name,
                state.pid if state else 0,
                state.state if state else "DOWN",
                alive and process.check.passes(),
                state.uptime if state else 0,
                process.metrics_port,
            )
            rows.append(row)
        return rows

    def pid(self, process: str) -> int:
        return self.supervisor.states()[process].pid

    def kill(self, process: str, signal_number: int = signal.SIGKILL) -> None:
        """Send a signal to the process, as an accident would: supervisord brings it back."""
        os.kill(self.pid(process), signal_number)

    def stop(self, *processes: str) -> None:
        """Stop them until `start`."""
        self.supervisor.stop_and_wait(list(processes))

    def start(self, *processes: str) -> None:
        """Start them, and return when they are healthy."""
        self._refuse_unusable(p for p in self.plan.processes() if p.name in processes)
        self.supervisor.start_processes(processes)
        self.wait_until_healthy(*processes)

    def restart(self, *processes: str) -> None:
        """Make them run the code as it is now; web processes one after the other, and they serve all the while.

        Raises Failure, and leaves a web process as it is, if its code can't be loaded.
        """
        named = [process for process in self.plan.processes() if process.name in processes]
        anew = [process.name for process in named if not workers.renew(process, self.supervisor)]
        if anew:
            self.stop(*anew)
            self.start(*anew)

    def primary(self) -> str:
        """The MongoDB process that takes writes just now; empty while there is none."""
        ports = self.ports
        return next((name for name in self.plan.mongodb_members if mongod.is_primary(ports[name])), "")

    def wait_until_healthy(self, *processes: str) -> None:
        """Wait for these, or for all if none is named."""
        wanted = [p for p in self.plan.processes() if not processes or p.name in processes]
        starting.wait_until_healthy(wanted, self.supervisor, self.log, lambda _: None)


def of_checkout(environ: Mapping[str, str] = os.environ) -> Instance:
    """The suite that `make up` runs: `.local/run`, set by `.env` and the process environment."""
    names = dotenv.documented_names(layout.ROOT / ".env.example")
    settings = dotenv.chosen(dotenv.ensure(layout.ROOT / ".env"), environ, names)
    port = settings.get("GATEWAY_PORT") or "8080"
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise say.Failure(f"GATEWAY_PORT={port} is not a port")
    settings = {name: value for name, value in settings.items() if name not in _OF_ONE_PROCESS and value != ""}
    settings.setdefault("ERASURE_LEDGER", str(layout.LOCAL / "erasures" / "ledger"))
    return Instance(layout.LOCAL / "run", settings, int(port), layout.LOCAL / "mail")
