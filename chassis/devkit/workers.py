"""Give a running gunicorn new workers, one at a time: each loads the code as it is now before an old one ends.

Its own reload (SIGHUP) ends the old workers as the new ones begin to load, and itself with them if one of those fails.
Here its port is never closed and always served. See docs/adr/0027.
"""

import json
import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from devkit import say
from devkit.layout import CHASSIS
from devkit.processes import Process
from devkit.supervisor import Supervisor
from devkit.waiting import holds_within

#: What `chassis.web_worker` calls a worker that can answer.
_SERVING = "web"
_START_SECONDS = 60.0
#: Longer than the graceful_timeout of gunicorn, which ends what does not end by itself.
_END_SECONDS = 30.0
#: gunicorn itself has these loaded, and hands them to each worker as they were when it started.
_READ_ONCE = [CHASSIS / "chassis" / name for name in ("__init__.py", "gunicorn_conf.py", "web_worker.py")]


def renew(process: Process, supervisor: Supervisor) -> bool:
    """Whether a web process runs the code as it is now, without having been away; if not, it has to be started anew.

    Raises Failure, and leaves the process as it is, if its code can't be loaded.
    """
    recipe, state = process.recipe, supervisor.states()[process.name]
    started_by = json.loads((supervisor.folder / "process" / f"{process.name}.json").read_text())
    if process.check.kind != "http" or state.state != "RUNNING" or started_by["built_from"] != recipe.built_from:
        return False
    files = [Path(recipe.cwd) / "gunicorn.conf.py", *_READ_ONCE]
    if any(file.stat().st_mtime >= state.started for file in files):
        return False
    command = [recipe.argv[0], "--check-config", *recipe.argv[1:]]
    with tempfile.TemporaryDirectory() as nobodys:
        # what it counts as it loads
        env = {**recipe.env, "PROMETHEUS_MULTIPROC_DIR": nobodys}
        tried = subprocess.run(
            command, cwd=recipe.cwd, env=env, capture_output=True, text=True, check=False, timeout=120
        )
    if tried.returncode != 0:
        raise say.Failure(f"{process.name} is left as it was, for its code can't be loaded:\n{tried.stderr[-4000:]}")
    return _replace_workers(state.pid) and process.check.passes()


def _replace_workers(master: int) -> bool:
    old = serving(master)
    return all(_replace_one(master) for _ in old) and bool(old) and not old & _children(master)


def _replace_one(master: int) -> bool:
    before = _children(master)
    _tell(master, signal.SIGTTIN)
    holds_within(_START_SECONDS, lambda: serving(master) - before or not _children(master))
    if not serving(master) - before:
        return False
    # it ends the oldest; the next may only come when that is gone, for until then gunicorn counts it
    _tell(master, signal.SIGTTOU)
    return holds_within(_END_SECONDS, lambda: before - _children(master))


def _tell(master: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(master, number)


def _children(master: int) -> set[int]:
    with suppress(OSError):
        return {int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()}
    return set()


def serving(master: int) -> set[int]:
    """The workers of a gunicorn that answer requests, and have not been told to end."""
    found = set()
    for pid in _children(master):
        with suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == _SERVING:
                found.add(pid)
    return found
