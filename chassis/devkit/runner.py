"""`make test`: lint, then every suite of tests, each from its own folder and environment; figures at the end."""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devkit import dotenv, lint, say, setup, venvs
from devkit.layout import CACHE, CHASSIS, ROOT, SERVICES, venv_python
from devkit.servers import TestServers, end_group
from devkit.venvs import Venv

#: A suite that takes longer than this hangs.
_LIMIT = 1200.0


@dataclass(frozen=True)
class Suite:
    name: str
    folder: Path
    tests: Path
    venv: Venv
    #: How many of its tests run at once; each must then be apart from the others by its names.
    at_once: int = 1


@dataclass(frozen=True)
class Result:
    name: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    problem: str = ""


SUITES = (
    # Most of its time is waiting for processes to start, to fail and to come back.
    Suite("chassis", CHASSIS, CHASSIS / "tests", venvs.CHASSIS_TEST, at_once=6),
    # Backwards, for the scheduler's take the longest of these and must not come last.
    *(Suite(s.folder_name, s.folder, s.folder / "tests", venvs.testing(s)) for s in reversed(SERVICES)),
    Suite("meta", ROOT, ROOT / "tests" / "meta", venvs.SUITE_TESTS),
)
#: Each starts the whole product for its tests, so nothing else runs beside these two.
END_TO_END = tuple(Suite(name, ROOT, ROOT / "tests" / name, venvs.SUITE_TESTS) for name in ("e2e", "faults"))


def run(names: Sequence[str], arguments: Sequence[str]) -> int:
    """Run everything, or the suites named. The exit code is 0 if all passed and each ran at least one test."""
    began = time.monotonic()
    everything = (*SUITES, *END_TO_END)
    if unknown := set(names) - {suite.name for suite in everything}:
        raise say.Failure(
            f"no suite is named {', '.join(sorted(unknown))}; there is: {', '.join(s.name for s in everything)}"
        )
    chosen = [suite for suite in everything if not names or suite.name in names]
    with_lint = not names
    _set_up(chosen, with_lint)
    say.line(f"Set-up took {say.seconds(began)}.")
    took = []
    clean = True
    results: list[Result] = []
    with _servers(tuple(suite.name for suite in chosen)) as variables:
        if with_lint:
            started = time.monotonic()
            say.line("lint:")
            clean = lint.run()
            took.append(f"lint {say.seconds(started)}{'' if clean else ' (NOT CLEAN)'}")
        # Five on two cores: much of a suite's time is waiting, for processes to start, to fail, to come back.
        results += _run_side_by_side(5, [suite for suite in chosen if suite in SUITES], variables, arguments)
    results += _run_side_by_side(2, [suite for suite in chosen if suite in END_TO_END], {}, arguments)
    return _conclude(results, took, clean, began)


def run_apart(name: str, venv: Venv, arguments: Sequence[str]) -> int:
    """Run a folder of tests that is no part of everything, its output shown as it comes; pytest's exit code."""
    options = ["-o", f"cache_dir={CACHE / 'pytest' / name}", "-v", "-ra", "-s"]
    command = [str(venv_python(venv.name)), "-m", "pytest", *options, *arguments, str(ROOT / "tests" / name)]
    return subprocess.run(command, cwd=ROOT, env=_environment(), check=False).returncode


def _set_up(chosen: Sequence[Suite], with_lint: bool) -> None:
    wanted = [venvs.TOOLS, *(suite.venv for suite in chosen)]
    if with_lint:
        wanted.append(venvs.LINT)
    if any(suite in END_TO_END for suite in chosen):
        wanted += setup.runtimes()
    # The page at /docs is tried end to end, and nothing else needs a browser.
    needs_chromium = any(suite.name == "e2e" for suite in chosen)
    setup.ensure(wanted, needs_mongod=True, needs_rabbitmq=True, needs_chromium=needs_chromium)


@contextmanager
def _servers(names: tuple[str, ...]) -> Iterator[dict[str, dict[str, str]]]:
    """One MongoDB and one broker for the run, with a virtual host per suite."""
    if os.environ.get("TEST_MONGODB_URI") and os.environ.get("TEST_AMQP_URL"):
        yield {name: {} for name in names}
        return
    servers = TestServers(vhosts=names)
    try:
        servers.begin_rabbitmq()
        servers.begin_mongod()
        servers.finish_mongod()
        servers.finish_rabbitmq()
        uri = servers.mongodb_uri
        yield {name: {"TEST_MONGODB_URI": uri, "TEST_AMQP_URL": servers.broker.url(name)} for name in names}
    finally:
        servers.stop()


def _run_side_by_side(
    at_once: int, suites: Sequence[Suite], variables: Mapping[str, Mapping[str, str]], arguments: Sequence[str]
) -> list[Result]:
    with ThreadPoolExecutor(at_once) as pool:
        try:
            return list(pool.map(lambda suite: _run(suite, variables.get(suite.name, {}), arguments), suites))
        except BaseException:
            # Interrupted: the pool waits for its threads, and those for their suites.
            pool.shutdown(wait=False, cancel_futures=True)
            for child in list(_children):
                _interrupt(child)
            raise


#: The suites that are running now.
_children: set[subprocess.Popen[bytes]] = set()


def _interrupt(child: subprocess.Popen[bytes]) -> None:
    # As Ctrl-C would, for then pytest ends what its fixtures have started; a whole suite takes a while to stop.
    end_group(child, patience=60, politely=signal.SIGINT)


def _run(suite: Suite, variables: Mapping[str, str], arguments: Sequence[str]) -> Result:
    started = time.monotonic()
    if not suite.tests.is_dir():
        return Result(suite.name, 0, 0, 0, 0.0, problem="has no tests folder")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as output:
        figures = Path(folder) / "figures.json"
        options = ["-p", "devkit.pytest_plugin", "-o", f"cache_dir={CACHE / 'pytest' / suite.name}"]
        # A test that hangs shows where, long before the limit ends it.
        options += ["-o", "faulthandler_timeout=180", "-q", "-ra"]
        if suite.at_once > 1:
            options += ["-n", str(suite.at_once), "--dist", "worksteal"]
        child = subprocess.Popen(
            [str(venv_python(suite.venv.name)), "-m", "pytest", *options, *arguments, str(suite.tests)],
            cwd=suite.folder,
            env={**_environment(), **variables, "DEVKIT_RESULT": str(figures)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _children.add(child)
        try:
            child.wait(_LIMIT)
        except subprocess.TimeoutExpired:
            say.error(f"{suite.name} was ended after {_LIMIT:.0f} s")
        finally:
            _interrupt(child)
            _children.discard(child)
        output.seek(0)
        say.line(f"\n== {suite.name} ({say.seconds(started)})\n{output.read().strip()}")
        return _result(suite.name, figures, child.returncode, time.monotonic() - started)


def _result(name: str, figures: Path, code: int, seconds: float) -> Result:
    found = json.loads(figures.read_text()) if figures.exists() else {"passed": 0, "failed": 0, "skipped": 0}
    problem = ""
    if code != 0 and not found["failed"]:
        problem = f"pytest ended with {code}"
    if not found["passed"] and not found["failed"]:
        problem = "ran no test"
    return Result(name, found["passed"], found["failed"], found["skipped"], seconds, problem)


def _environment() -> dict[str, str]:
    """The developer's environment without the suite's own variables: tests set what they need."""
    hidden = dotenv.documented_names(ROOT / ".env.example") | {"PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "VIRTUAL_ENV"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**kept, "CONTRACTS_DIR": str(ROOT / "contracts")}


def _conclude(results: Sequence[Result], took: list[str], clean: bool, began: float) -> int:
    problems = [f"{result.name} {result.problem}" for result in results if result.problem]
    passed, skipped = sum(r.passed for r in results), sum(r.skipped for r in results)
    # A suite that could not even run is a failure too, and must be seen in the figures.
    failed = sum(result.failed or bool(result.problem) for result in results)
    say.line()
    say.line(f"{passed} passed, {failed} failed, {skipped} skipped")
    parts = [*took, *(f"{result.name} {result.seconds:.1f} s" for result in results)]
    say.line(f"In {say.seconds(began)} these ran: {', '.join(parts)}.")
    if problems:
        say.error("; ".join(problems))
    if not clean:
        say.error("lint is not clean")
    return 0 if clean and failed == 0 and passed > 0 else 1
