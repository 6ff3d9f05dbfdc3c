"""File locks between processes. The kernel drops them when their holder dies, so none is ever left behind."""

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devkit import say


@contextmanager
def exclusive(path: Path, busy: str) -> Iterator[None]:
    """Hold `path` locked; say `busy` if somebody else has it, and wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say.line(f"  .. {busy}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def private_temp_folder() -> Path:
    """A folder of this user's own under the temp dir: for port locks, and sockets whose path must be short."""
    folder = Path(tempfile.gettempdir()) / f"appointment-suite-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    # The name is guessable, so somebody else may have made it first to read or replace what is put there.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise say.Failure(f"{folder} does not belong to this user; remove it, or set TMPDIR")
    folder.chmod(0o700)
    return folder
