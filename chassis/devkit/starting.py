"""From started to healthy: what is waited for, for how long, and what is said of a process that does not come."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from devkit import mongod, say
from devkit.processes import Process
from devkit.supervisor import State, Supervisor
from devkit.waiting import holds_within

#: Failed starts in a row after which a process is given up, instead of waiting for what will not come.
_HOPELESS = 5
_PATIENCE = 120.0

#: The log of a process, by its name.
Log = Callable[[str], Path]


@contextmanager
def replica_set_among(processes: Iterable[Process], election_ms: int) -> Iterator[None]:
    """MongoDB servers on their own never become a replica set: make them one while the others start."""
    checks = [process.check for process in processes if process.check.kind == "mongodb"]
    if all(check.passes() for check in checks):
        yield
        return
    helper = mongod.begin_primary([check.port for check in checks], election_ms)
    try:
        yield
        # members may be well before they have elected one of them
        said, _ = helper.communicate()
    finally:
        helper.kill()
        helper.wait()
    if helper.returncode != 0:
        raise say.Failure(f"the replica set has no primary: {said.strip()}")


def wait_until_healthy(
    processes: Iterable[Process], supervisor: Supervisor, log: Log, report: Callable[[str], None]
) -> None:
    """Report each as it becomes healthy. Raises Failure, with the ends of their logs, for those that do not."""
    waiting = {process.name: process for process in processes}
    failed_starts: dict[str, set[int]] = {}
    started = time.monotonic()
    while waiting:
        states = supervisor.states()
        for name, process in list(waiting.items()):
            state = states[name]
            if state.state in {"STARTING", "RUNNING"}:
                if process.check.passes():
                    del waiting[name]
                    report(f"  ok {name} ({say.seconds(started)})")
            else:
                failed_starts.setdefault(name, set()).add(state.started)
        broken = [n for n, starts in failed_starts.items() if n in waiting and len(starts) >= _HOPELESS]
        broken += [name for name in waiting if states[name].state == "FATAL"]
        if broken or (waiting and time.monotonic() - started > _PATIENCE):
            raise say.Failure(_diagnosis(broken or list(waiting), states, log))
        holds_within(0.2, lambda: False)


def _diagnosis(names: Sequence[str], states: Mapping[str, State], log: Log) -> str:
    parts = [f"not healthy: {', '.join(names)}"]
    for name in names:
        tail = log(name).read_text(errors="replace").splitlines()[-15:] if log(name).exists() else []
        parts.append(f"--- {name} ({states[name].state}), the end of {log(name)}:")
        parts += [line[:400] for line in tail] or ["(empty)"]
    return "\n".join(parts)
