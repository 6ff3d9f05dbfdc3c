"""Blocks of ports that no two instances share, below the range the kernel hands out by itself."""

import contextlib
import fcntl
import os
import random
import socket
from pathlib import Path
from typing import IO, Self

from devkit import locking, say

FIRST, LAST, SIZE = 20000, 32000, 32


class PortBlock:
    """32 consecutive ports, held for as long as this object's file (or a copy of its descriptor) is open."""

    def __init__(self, start: int, held: IO[str]) -> None:
        self.start = start
        self._held = held

    @classmethod
    def take(cls, preferred: int | None = None) -> Self:
        """Lock a block of which every port is free; `preferred` first, so an instance keeps its ports."""
        starts = list(range(FIRST, LAST, SIZE))
        random.shuffle(starts)
        if preferred in starts:
            starts.insert(0, preferred)
        folder = locking.private_temp_folder() / "ports"
        folder.mkdir(exist_ok=True)
        for start in starts:
            held = _locked(folder / str(start))
            if held is None:
                continue
            # Holders of another user or temp dir have other locks, and strangers have none: ask the kernel too.
            if all(is_free(port) for port in range(start, start + SIZE)):
                return cls(start, held)
            held.close()
        raise say.Failure(f"no block of {SIZE} free ports between {FIRST} and {LAST}")

    @property
    def descriptor(self) -> int:
        return self._held.fileno()

    def release(self) -> None:
        self._held.close()


def _locked(path: Path) -> IO[str] | None:
    held = path.open("a")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        return None
    return held


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As every server does: a connection of the last run that lingers in TIME_WAIT is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """One that is free now, of those that the kernel hands out: for what is not there, or begins at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def listeners(port: int) -> list[int]:
    """The processes that have `port`, as far as this user may know."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for row in Path(table).read_text().splitlines()[1:]:
                fields = row.split()
                if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(os.readlink(fd) in inodes for fd in (process / "fd").iterdir()):
                found.append(int(process.name))
    return found
