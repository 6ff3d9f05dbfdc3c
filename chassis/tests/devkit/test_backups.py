from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from devkit import backup, layout, starting
from devkit.health import Check
from devkit.processes import Process
from devkit.recipes import Recipe
from devkit.say import Failure
from devkit.suite import Instance
from devkit.supervisor import State, Supervisor


def test_of_backups_that_are_whole_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def saves(_instance: Instance, _process: str, _module: str, _action: str, folder: str) -> None:
        Path(folder).mkdir(parents=True)
        Path(folder, "manifest.json").touch()

    monkeypatch.setattr(layout, "LOCAL", tmp_path)
    monkeypatch.setattr(backup, "_do", saves)
    instance = Instance(tmp_path / "run", {})
    for _ in range(2):
        backup.save(instance, None)
    under_way = tmp_path / "backups" / "0"
    under_way.mkdir()
    before = set((tmp_path / "backups").iterdir())
    monkeypatch.setenv("KEEP", "2")
    backup.save(instance, None)
    kept = set((tmp_path / "backups").iterdir())
    assert under_way in kept
    assert len(kept) == 3
    assert before - kept == {sorted(before)[1]}, "the oldest"
    # one in a folder of its own counts for nothing
    backup.save(instance, tmp_path / "mine")
    assert set((tmp_path / "backups").iterdir()) == kept


class Supervised(Supervisor):
    """Runs, and starts nothing really."""

    def __init__(self) -> None:
        self.started: list[str] = []

    def is_running(self) -> bool:
        return True

    def apply_configuration(self) -> None: ...

    def states(self) -> dict[str, State]:
        return {process.name: State(process.name, "STOPPED", 0, 0, 0) for process in PROCESSES}

    def start_processes(self, names: Iterable[str]) -> None:
        self.started += names


PROCESSES = [Process(name, Recipe([], "", {}), Check("tcp"), stage) for name, stage in (("mongod", 1), ("auth-web", 2))]


def test_on_databases_that_are_half_restored_only_servers_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = Instance(tmp_path, {})
    instance.supervisor = supervised = Supervised()
    monkeypatch.setattr(Instance, "plan", type("Plan", (), {"processes": lambda _: PROCESSES, "election_ms": 0})())
    monkeypatch.setattr(Instance, "environment", lambda *_: {"ERASURE_LEDGER": "ledger"})
    for name in ("stop", "_refuse_taken_gateway_port", "_write_configuration"):
        monkeypatch.setattr(Instance, name, lambda *_: None)
    monkeypatch.setattr(starting, "wait_until_healthy", lambda *_: None)

    def dies(_instance: Instance, _process: str, _module: str, *arguments: str) -> Any:
        if "load" in arguments:
            raise KeyboardInterrupt

    monkeypatch.setattr(backup, "_do", dies)
    with pytest.raises(KeyboardInterrupt):
        backup.restore(instance, tmp_path / "monday")
    for begin in (instance.up, lambda: instance.start("auth-web")):
        with pytest.raises(Failure, match=r"make restore FROM=.*monday"):
            begin()
    assert supervised.started == ["mongod"], "a restore needs the servers"
