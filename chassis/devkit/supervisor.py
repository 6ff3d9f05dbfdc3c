"""supervisord: its configuration, its start, and the talk with it over its socket."""

import hashlib
import http.client
import os
import socket
import subprocess
import xmlrpc.client
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit import locking
from devkit.layout import ROOT, tool
from devkit.recipes import Recipe, base_environment
from devkit.waiting import holds_within

#: supervisord's words for a process that is not, and is not about to be, there.
DOWN = {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}


@dataclass(frozen=True)
class State:
    name: str
    state: str
    pid: int
    started: int
    now: int

    @property
    def uptime(self) -> int:
        return max(0, self.now - self.started) if self.pid else 0


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _Connection(self._path)


class Supervisor:
    """The supervisord of one instance folder, running or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._config = folder / "supervisord.conf"
        self._socket_note = folder / "supervisord.socket"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "log" / "supervisord.log"

    @property
    def _socket(self) -> str:
        # Noted, for the next shell may have another temp dir. Short, for a socket's path has 107 bytes at most.
        if not self._socket_note.exists():
            name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
            self._socket_note.write_text(str(locking.private_temp_folder() / f"{name}.sock"))
        return self._socket_note.read_text()

    def _rpc(self) -> Any:
        return xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(self._socket)).supervisor

    def is_running(self) -> bool:
        if not self._socket_note.exists():
            return False
        try:
            return bool(self._rpc().getState()["statename"] == "RUNNING")
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False

    def configure(self, commands: Mapping[str, list[str]]) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        sections = [
            ("unix_http_server", {"file": self._socket, "chmod": "0700"}),
            ("rpcinterface:supervisor", {"supervisor.rpcinterface_factory": _RPC_FACTORY}),
            (
                "supervisord",
                {
                    "nodaemon": "true",
                    "logfile": str(self.log),
                    "logfile_maxbytes": "2MB",
                    "logfile_backups": "1",
                    "pidfile": str(self.folder / "supervisord.pid"),
                    "childlogdir": str(self.log.parent),
                },
            ),
            *((f"program:{name}", _program(self.log.parent, name, command)) for name, command in commands.items()),
        ]
        # supervisord expands %(...)s in every value, so a % in a path must be doubled.
        rows = (
            f"[{title}]\n" + "".join(f"{key}={value.replace('%', '%%')}\n" for key, value in values.items())
            for title, values in sections
        )
        self._config.write_text("\n".join(rows))

    def start(self, held_descriptor: int, dies_with: int = 0) -> None:
        """Start it, holding `held_descriptor` (the lock on the ports) open for as long as it lives."""
        Path(self._socket).unlink(missing_ok=True)
        argv = [str(tool("supervisord")), "-c", str(self._config)]
        env = {**base_environment(), "SUITE_INSTANCE": str(self.folder)}
        recipe = Recipe(argv, str(ROOT), env, dies_with=dies_with)
        log = self.log.parent / "supervisord.out"
        self._child = recipe.start(self.folder / "process" / "supervisord.json", log, pass_fds=[held_descriptor])

    def apply_configuration(self) -> None:
        """Make the running supervisord follow the file: what changed is stopped, and left for `start_processes`."""
        rpc = self._rpc()
        ((added, changed, removed),) = rpc.reloadConfig()
        # All at once, for one after the other they would take half a minute.
        self.stop_and_wait([*changed, *removed])
        for name in (*changed, *removed):
            rpc.removeProcessGroup(name)
        for name in (*added, *changed):
            rpc.addProcessGroup(name)

    def states(self) -> dict[str, State]:
        rows: list[dict[str, Any]] = self._rpc().getAllProcessInfo()
        found = (State(r["name"], r["statename"], r["pid"], r["start"], r["now"]) for r in rows)
        return {state.name: state for state in found}

    def start_processes(self, names: Iterable[str]) -> None:
        rpc = self._rpc()
        for name in names:
            # It may be on its way already: asked for twice, or brought back by autorestart.
            with suppress(xmlrpc.client.Fault):
                rpc.startProcess(name, False)

    def stop_and_wait(self, names: list[str]) -> None:
        rpc = self._rpc()
        for name in names:
            with suppress(xmlrpc.client.Fault):
                rpc.stopProcess(name, False)
        # Longer than the patience of supervisord, which kills what does not stop by itself.
        holds_within(40, lambda: all(self.states()[name].state in DOWN for name in names))

    def shut_down(self) -> None:
        """End it, and return when it is gone."""
        pid = int(self._rpc().getPID())
        self._rpc().shutdown()
        holds_within(30, lambda: self._has_ended(pid))

    def _has_ended(self, pid: int) -> bool:
        # One's own child stays as a zombie until it is asked for.
        if self._child is not None:
            return self._child.poll() is not None
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    def forget_socket(self) -> None:
        if self._socket_note.exists():
            Path(self._socket).unlink(missing_ok=True)
            self._socket_note.unlink()


_RPC_FACTORY = "supervisor.rpcinterface:make_main_rpcinterface"


def _program(logs: Path, name: str, command: list[str]) -> dict[str, str]:
    return {
        "command": " ".join(_quoted(part) for part in command),
        # `up` starts each when what it needs is there.
        "autostart": "false",
        "autorestart": "true",
        "startsecs": "1",
        # A broken process is `up`'s to report; one that waits for a server must never be given up.
        "startretries": "1000000",
        "stopsignal": "TERM",
        "stopwaitsecs": "30",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": str(logs / f"{name}.log"),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "2",
    }


def _quoted(part: str) -> str:
    return '"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' if not part.replace("/", "").isalnum() else part
