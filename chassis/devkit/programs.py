"""Programs that have an environment of their own: made-up data, releases and their contracts, alerts, measurements."""

import os
import shutil
import subprocess

from devkit import debian, layout, setup, venvs
from devkit.venvs import Venv

#: Of the distribution: what stands beside the gateway, and what the baseline is written for.
_MEASURES = {"nginx": "nginx-light", "npm": "npm"}


def of_tests(module: str, *arguments: str) -> int:
    """Run a program of the folder tests/."""
    setup.ensure([venvs.SUITE_TESTS])
    return _run(venvs.SUITE_TESTS, module, *arguments)


def can_deploy(service: str) -> int:
    """Say whether the service, as it is here, may go out beside the released others; 1 if not."""
    own = next(each for each in layout.SERVICES if each.folder_name == service)
    return _with_contracts(venvs.testing(own), "can-deploy", service)


def release(version: str, service: str | None) -> int:
    """Note the contracts of this checkout, or of one service, as released."""
    return _with_contracts(venvs.CHASSIS_TEST, "release", version, *filter(None, [service]))


def check_alerts() -> int:
    """Have promtool check the configuration and test the rules, once it is installed."""
    if shutil.which("promtool") is None:
        debian.install("prometheus", because="promtool, which tests the alerts, is not installed")
    folder = layout.ROOT / "observability"
    checks = (["check", "config", "prometheus.yml"], ["test", "rules", "alerts.test.yml"])
    return max(subprocess.run(["promtool", *check], cwd=folder, check=False).returncode for check in checks)


def bench(*arguments: str) -> int:
    """Measure, beside servers of the distribution, which are installed where they are missing."""
    setup.ensure([venvs.TOOLS, venvs.BENCH, *setup.runtimes()], needs_mongod=True, needs_rabbitmq=True)
    if missing := [package for program, package in _MEASURES.items() if shutil.which(program) is None]:
        debian.install(*missing, because="the benchmarks use them")
    return _run(venvs.BENCH, "benchmarks", *arguments)


def _with_contracts(venv: Venv, *arguments: str) -> int:
    setup.ensure([venvs.TOOLS, venv])
    return _run(venv, "devkit.contracts.command", *arguments)


def _run(venv: Venv, module: str, *arguments: str) -> int:
    environment = {**os.environ, "PYTHONPATH": f"{layout.ROOT}:{layout.CHASSIS}"}
    program = [str(layout.venv_python(venv.name)), "-m", module, *arguments]
    return subprocess.run(program, cwd=layout.ROOT, env=environment, check=False).returncode
