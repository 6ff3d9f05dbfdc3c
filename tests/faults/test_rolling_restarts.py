"""Processes are restarted, one after the other, while people sign up, book, read and cancel: nothing is lost."""

from devkit import workers
from devkit.suite import Instance
from tests.client import Gateway, Person
from tests.rolling import assert_everybody_knows, clients_at_work

SERVICES = ("gateway", "appointment", "scheduler")
"""Restarted here, with every kind of process among theirs; `make chaos` restarts those of all services."""


def test_a_rolling_restart_costs_nobody_an_answer(suite: Instance, gateway: Gateway, admin: Person) -> None:
    processes = [
        process.name for process in suite.plan.processes() if process.stage == 2 and process.name.startswith(SERVICES)
    ]
    webs = [name for name in processes if name.endswith("-web")]
    before = {name: working_pids(suite, name) for name in processes}

    with clients_at_work(gateway, admin, [suite.gateway_url]) as record:
        for name in webs:
            record.during = name
            suite.restart(name)
        for kind in ("consumer", "relay", "worker", "beat"):
            record.during = f"every {kind}"
            suite.restart(*(name for name in processes if name.endswith(f"-{kind}")))
        # as where nothing takes its place meanwhile: a container
        record.during = "appointment-web, with a gap"
        suite.stop("appointment-web")
        suite.start("appointment-web")

    assert not record.failed
    assert not [name for name, pids in before.items() if pids & working_pids(suite, name)], "they were not replaced"
    # what has to wait a little, waits; a client hears of it at most where a process went away under a request
    assert sum(record.unavailable.values()) <= sum(record.answered.values()) / 50, record.unavailable
    assert_everybody_knows(suite, record)


def working_pids(suite: Instance, process: str) -> set[int]:
    pid = suite.pid(process)
    return workers.serving(pid) or {pid}
