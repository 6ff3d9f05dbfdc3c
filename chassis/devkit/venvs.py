"""The virtual environments under `.local/venv`: made from lock files alone, rebuilt when their inputs change."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from devkit import debian, say
from devkit.layout import CHASSIS, DEVKIT, ROOT, SERVICES, VENVS, Service, tool, venv_python

TOOLS_LOCK = DEVKIT / "requirements.lock"
LINT_LOCK = DEVKIT / "lint-requirements.lock"
TEST_LOCK = CHASSIS / "test-requirements.lock"
CHASSIS_LOCK = CHASSIS / "requirements.lock"
SUITE_TESTS_LOCK = ROOT / "tests" / "requirements.lock"
BENCH_LOCK = ROOT / "benchmarks" / "requirements.lock"


@dataclass(frozen=True)
class Venv:
    name: str
    locks: tuple[Path, ...]
    editable: tuple[Path, ...] = ()
    #: Whether `import devkit` works in it (tests use the plugin; a runtime must not).
    sees_devkit: bool = False

    @property
    def stamp(self) -> Path:
        return VENVS / self.name / "inputs.sha256"

    def inputs(self) -> str:
        digest = hashlib.sha256(f"recipe 1 {self.sees_devkit} {ROOT}".encode())
        for path in (*self.locks, *(folder / "pyproject.toml" for folder in self.editable)):
            if not path.exists():
                raise say.Failure(f"{path.relative_to(ROOT)} is missing, so the {self.name} environment cannot be made")
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def is_current(self) -> bool:
        # The interpreter is asked for too: an upgrade of the machine's Python leaves a dangling link behind.
        inputs = self.inputs()
        return self.stamp.exists() and self.stamp.read_text() == inputs and venv_python(self.name).exists()


TOOLS = Venv("tools", (TOOLS_LOCK,))
LINT = Venv(
    "lint",
    (LINT_LOCK, TEST_LOCK, TOOLS_LOCK, CHASSIS_LOCK, *(service.lock for service in SERVICES)),
    (CHASSIS, *(service.folder for service in SERVICES)),
)
CHASSIS_TEST = Venv("chassis-test", (CHASSIS_LOCK, TEST_LOCK), (CHASSIS,), sees_devkit=True)
SUITE_TESTS = Venv("tests", (SUITE_TESTS_LOCK, TEST_LOCK), sees_devkit=True)
BENCH = Venv("bench", (BENCH_LOCK, SUITE_TESTS_LOCK, TEST_LOCK), sees_devkit=True)


def runtime(service: Service) -> Venv:
    return Venv(service.venv, (service.lock,), (service.root / "chassis", service.folder))


def testing(service: Service) -> Venv:
    return Venv(f"{service.folder_name}-test", (service.lock, TEST_LOCK), (CHASSIS, service.folder), sees_devkit=True)


def ensure(wanted: Iterable[Venv]) -> None:
    """Make every environment that is missing or older than its inputs. The caller holds the set-up lock."""
    if not TOOLS.is_current():
        with say.step("tools environment (uv, supervisor)"):
            _make_tools()
    stale = [venv for venv in wanted if not venv.is_current()]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_make, stale))


def _make_tools() -> None:
    folder = VENVS / "tools"
    shutil.rmtree(folder, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        # Debian splits ensurepip from Python; its package is named for the version that will use it.
        debian.install("python3-venv", because=f"{sys.executable} cannot make virtual environments")
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(folder)], "make the tools environment")
    pip = [str(venv_python("tools")), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    run([*pip, "--require-hashes", "-r", str(TOOLS_LOCK)], "install the tools")
    TOOLS.stamp.write_text(TOOLS.inputs())


def _make(venv: Venv) -> None:
    with say.step(f"environment {venv.name}"):
        folder, python = VENVS / venv.name, venv_python(venv.name)
        if not python.exists():
            shutil.rmtree(folder, ignore_errors=True)
            uv("venv", "--quiet", "--python", sys.executable, str(folder))
        venv.stamp.unlink(missing_ok=True)
        uv("pip", "sync", "--quiet", "--require-hashes", "--python", str(python), *map(str, venv.locks))
        if venv.editable:
            editables = [part for path in venv.editable for part in ("--editable", str(path))]
            uv("pip", "install", "--quiet", "--no-deps", "--python", str(python), *editables)
        if venv.sees_devkit:
            (site,) = (folder / "lib").glob("python3*/site-packages")
            (site / "devkit.pth").write_text(f"{CHASSIS}\n")
        venv.stamp.write_text(venv.inputs())


def uv(*arguments: str) -> None:
    run([str(tool("uv")), *arguments], f"uv {' '.join(arguments[:2])}", environ={**os.environ, **_uv_settings()})


@cache
def _uv_settings() -> dict[str, str]:
    """Give uv what pip is told on this machine: its certificates and its index."""
    listed = subprocess.run(
        [str(venv_python("tools")), "-m", "pip", "config", "--disable-pip-version-check", "list"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    pip = dict(row.split("=", 1) for row in listed.splitlines() if "=" in row)
    settings = {"UV_SYSTEM_CERTS": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    for variable, option in (("UV_DEFAULT_INDEX", "index-url"), ("SSL_CERT_FILE", "cert")):
        for section in (":env:", "install", "global"):
            value = pip.get(f"{section}.{option}", "").strip("'\"")
            if value and variable not in os.environ:
                settings.setdefault(variable, value)
    return settings


def run(command: list[str], what: str, *, environ: Mapping[str, str] | None = None) -> None:
    """Run a step of the set-up; if it fails, what it said goes to stderr before the one line that names it."""
    given = {name: value for name, value in (environ or os.environ).items() if name not in _MISLEADING}
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        say.error((done.stderr.strip() or done.stdout.strip())[-3000:])
        raise say.Failure(f"could not {what} (exit code {done.returncode}; the reason is above)")


#: Set by make or an activated environment for other programs than the ones started here.
_MISLEADING = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX"}
