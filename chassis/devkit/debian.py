"""Packages of the distribution, installed only where this user may, and without starting their services."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devkit import say

_POLICY = Path("/usr/sbin/policy-rc.d")


def install(*packages: str, because: str) -> None:
    """Install `packages`, or say in one line what somebody with the right to must do."""
    names = " ".join(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise say.Failure(f"{because}; install it first: sudo apt-get install -y --no-install-recommends {names}")
    with say.step(f"installing {names} ({because})"), _services_stay_stopped():
        _apt("update", names)
        _apt("install", names, "-y", "--no-install-recommends", *packages)


def _apt(command: str, names: str, *arguments: str) -> None:
    done = subprocess.run(
        ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", command, *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    # A machine with one broken source can often still install what is wanted: only the install itself must succeed.
    if done.returncode != 0 and command == "install":
        last = done.stdout.strip().splitlines()[-1:] or ["no output"]
        raise say.Failure(f"apt-get could not install {names}: {last[0]}")


@contextmanager
def _services_stay_stopped() -> Iterator[None]:
    """The suite starts its own broker; the packaged service would only take the usual ports."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
