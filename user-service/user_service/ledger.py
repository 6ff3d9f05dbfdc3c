"""The ledger of erasures: who was erased for good, in a file outside of the database, so that whoever restores an older
backup can erase them again (ADR 0026).

One line each: the id, a space, the instant. Any number of processes may append at once. A line that was cut off, by a
crash or a full disk, is no entry, and takes nothing from the one that was written after it.
"""

import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from chassis.clock import instant_text

# an id has 32 digits: what a line that was cut off left before it is not taken for a part of it
_ENTRY = re.compile(r"([0-9a-f]{32}) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$", re.MULTILINE)


class Ledger:
    """Adds to a ledger, and reads it. Nothing personal is in it but the bare ids."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, datetime]:
        """{user id: when the erasure began}, none if there is no file yet. Raises OSError."""
        try:
            text = self._path.read_text("ascii", errors="replace")
        except FileNotFoundError:
            return {}
        return {user_id: datetime.fromisoformat(at) for user_id, at in _ENTRY.findall(text)}

    def append(self, entries: Mapping[str, datetime]) -> None:
        """Return when these entries are on the disk. Raises OSError: then some may be."""
        new = not self._path.exists()
        if new:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            for user_id, at in entries.items():
                line = f"{user_id} {instant_text(at)}\n".encode()
                if os.write(descriptor, line) != len(line):
                    raise OSError(f"{self._path} is full")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            _settle(self._path.parent)


def _settle(folder: Path) -> None:
    """A new file is safe when its folder is on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
