import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from devkit import orphans
from devkit.recipes import Recipe, base_environment
from devkit.servers import end_group
from devkit.waiting import eventually


def _recipe(tmp_path: Path, code: str) -> Recipe:
    env = {**base_environment(), "SUITE_INSTANCE": str(tmp_path)}
    return Recipe([sys.executable, "-c", code], str(tmp_path), env)


def test_a_process_gets_its_recipe_and_nothing_of_the_shell(tmp_path: Path) -> None:
    recipe = _recipe(tmp_path, "import json, os; print(json.dumps(dict(os.environ)))")
    child = recipe.start(tmp_path / "r.json", tmp_path / "log")
    assert child.wait(20) == 0
    said = (tmp_path / "log").read_text()
    assert str(tmp_path) in said
    assert "PYTEST_CURRENT_TEST" in os.environ
    assert "PYTEST_CURRENT_TEST" not in said


def test_what_an_earlier_life_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "old.db").touch()
    (tmp_path / "heartbeat").touch()
    recipe = replace(_recipe(tmp_path, ""), empty=[str(tmp_path / "metrics")], remove=[str(tmp_path / "heartbeat")])
    assert recipe.start(tmp_path / "r.json", tmp_path / "log").wait(20) == 0
    assert list((tmp_path / "metrics").iterdir()) == []
    assert not (tmp_path / "heartbeat").exists()


def test_a_changed_variable_changes_the_command_and_no_secret_is_in_it(tmp_path: Path) -> None:
    one = Recipe(["/bin/true"], "/", {"JWT_SECRET": "first-secret"}).save(tmp_path / "r.json")
    other = Recipe(["/bin/true"], "/", {"JWT_SECRET": "second-secret"}).save(tmp_path / "r.json")
    assert one != other
    assert "secret" not in " ".join(one).replace(str(tmp_path), "")


def test_a_process_dies_with_the_one_it_was_started_for(tmp_path: Path) -> None:
    starter = (
        "import os, sys, pathlib; from devkit.recipes import Recipe, base_environment;"
        f"Recipe(['/bin/sleep', '600'], '/', {{'SUITE_INSTANCE': {str(tmp_path)!r}}}, dies_with=os.getpid())"
        f".start(pathlib.Path({str(tmp_path / 'r.json')!r}), pathlib.Path({str(tmp_path / 'log')!r}));"
        "sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", starter], stdin=subprocess.PIPE) as parent:
        try:
            eventually(lambda: orphans.of_instance(tmp_path))
        finally:
            parent.send_signal(signal.SIGKILL)
    eventually(lambda: not orphans.of_instance(tmp_path))


def test_orphans_are_found_by_their_mark_and_ended(tmp_path: Path) -> None:
    child = _recipe(tmp_path, "input()").start(tmp_path / "r.json", tmp_path / "log")
    stubborn = _recipe(tmp_path, "import signal; signal.signal(15, signal.SIG_IGN); print('ready'); signal.pause()")
    other = stubborn.start(tmp_path / "s.json", tmp_path / "stubborn")
    try:
        eventually((tmp_path / "stubborn").exists)
        eventually(lambda: "ready" in (tmp_path / "stubborn").read_text())
        assert orphans.end(tmp_path, patience=0.3) >= 1
        assert orphans.of_instance(tmp_path) == []
    finally:
        end_group(child)
        end_group(other)
