from pathlib import Path
from typing import Any

import pytest

from devkit import backup, layout
from devkit.say import Failure
from devkit.suite import Instance


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


def test_nothing_starts_on_databases_that_are_half_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = Instance(tmp_path, {})
    monkeypatch.setattr(Instance, "environment", lambda *_: {"ERASURE_LEDGER": "ledger"})
    monkeypatch.setattr(Instance, "plan", type("Plan", (), {"processes": lambda _: []})())
    monkeypatch.setattr(Instance, "stop", lambda *_: None)

    def dies(_instance: Instance, _process: str, _module: str, *arguments: str) -> Any:
        if "load" in arguments:
            raise KeyboardInterrupt

    monkeypatch.setattr(backup, "_do", dies)
    monkeypatch.setattr(backup, "_do_if_possible", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        backup.restore(instance, tmp_path / "monday")
    for begin in (instance.up, lambda: instance.start("auth-web")):
        with pytest.raises(Failure, match=r"make restore FROM=.*monday"):
            begin()
