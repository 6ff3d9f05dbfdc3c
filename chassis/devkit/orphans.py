"""Processes of an instance that nobody supervises any more: found by a mark in their environment, and ended."""

import contextlib
import os
import signal
from pathlib import Path

from devkit.waiting import holds_within


def of_instance(folder: Path) -> list[int]:
    """The live processes that were started for `folder`; only this user's own can be read."""
    mark = f"SUITE_INSTANCE={folder}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0") and not _is_zombie(process):
                found.append(int(process.name))
    return [pid for pid in found if pid != os.getpid()]


def describe(pid: int) -> str:
    """A process as people know it: its number and command, and the suite it belongs to."""
    process = Path(f"/proc/{pid}")
    with contextlib.suppress(OSError):
        command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        variables = (process / "environ").read_bytes().split(b"\0")
        suites = [v.decode(errors="replace").partition("=")[2] for v in variables if v.startswith(b"SUITE_INSTANCE=")]
        return f"process {pid} ({command[:80]})" + "".join(f" of the suite in {suite}" for suite in suites)
    return f"process {pid}"


def _is_zombie(process: Path) -> bool:
    return (process / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


def end(folder: Path, patience: float = 30) -> int:
    """End them, politely first; return how many there were."""
    there = of_instance(folder)
    for signal_number, timeout in ((signal.SIGTERM, patience), (signal.SIGKILL, 10.0)):
        for pid in of_instance(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal_number)
        if holds_within(timeout, lambda: not of_instance(folder)):
            break
    return len(there)
