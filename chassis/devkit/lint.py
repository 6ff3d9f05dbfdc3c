"""One lint for Make and CI alike: ruff, mypy and import-linter, each configured here for the whole repository."""

import os
import subprocess
import time
from pathlib import Path

from devkit import say
from devkit.layout import CACHE, CHASSIS, DEVKIT, ROOT, SERVICES, VENVS


def _ruff(command: str, *options: str) -> list[str]:
    sources = ["chassis", *(service.folder_name for service in SERVICES)]
    # Not required to exist, unlike the services: there may be none of these.
    sources += [name for name in ("tests", "benchmarks") if (ROOT / name).exists()]
    common = ["--config", str(DEVKIT / "ruff.toml"), "--cache-dir", str(CACHE / "ruff")]
    return [str(VENVS / "lint" / "bin" / "ruff"), command, *options, *common, *sources]


def format_sources() -> bool:
    """Put every source into the form that `run` asks for; whether nothing is left that needs a person."""
    mended = _check("ruff check --fix", _ruff("check", "--fix", "--output-format", "concise"), ROOT)
    return _check("ruff format", _ruff("format"), ROOT) and mended


def run() -> bool:
    """Run every check and print what each finds; whether all are clean."""
    bin_folder = VENVS / "lint" / "bin"
    packages = ["chassis", "devkit", *(service.package for service in SERVICES)]
    mypy = [str(bin_folder / "mypy"), "--config-file", str(DEVKIT / "mypy.ini"), "--cache-dir", str(CACHE / "mypy")]
    contracts = [(CHASSIS, DEVKIT / "importlinter.ini")]
    contracts += [(service.folder, service.folder / ".importlinter") for service in SERVICES]
    results = [
        _check("ruff check", _ruff("check", "--output-format", "concise"), ROOT),
        _check("ruff format --check", _ruff("format", "--check", "--output-format", "concise"), ROOT),
        _check("mypy", [*mypy, *(part for package in packages for part in ("-p", package))], ROOT),
        *(_imports(bin_folder, folder, contract) for folder, contract in contracts),
    ]
    return all(results)


def _imports(bin_folder: Path, folder: Path, contract: Path) -> bool:
    if not contract.exists():
        say.line(f"  NO imports of {folder.name}: {contract.relative_to(ROOT)} is missing")
        return False
    cache = str(CACHE / "import-linter" / folder.name)
    command = [str(bin_folder / "lint-imports"), "--config", str(contract), "--cache-dir", cache]
    return _check(f"imports of {folder.name}", command, folder)


def _check(what: str, command: list[str], cwd: Path) -> bool:
    started = time.monotonic()
    roots = os.pathsep.join(map(str, (CHASSIS, *(service.folder for service in SERVICES))))
    # Sources are found by path, not through the editable installs, which mypy would take for untyped libraries.
    env = {**os.environ, "MYPYPATH": roots, "PYTHONPATH": ""}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    clean = done.returncode == 0
    say.line(f"  {'ok' if clean else 'NO'} {what} ({say.seconds(started)})")
    if not clean:
        say.line((done.stdout + done.stderr).rstrip())
    return clean
