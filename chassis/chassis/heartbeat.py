"""How a process without HTTP shows that it is well: it touches a file, and who watches looks at its age."""

import sys
import time
from pathlib import Path

EVERY_SECONDS = 2.0
STALE_SECONDS = 15.0


class Heartbeat:
    """Touches ``path`` at most every two seconds; with no path it does nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._next = 0.0
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)

    def beat(self) -> None:
        if self._path and time.monotonic() >= self._next:
            self._path.touch()
            self._next = time.monotonic() + EVERY_SECONDS


def main(path: str) -> int:
    """``python -m chassis.heartbeat FILE``: 0 if the file was touched in the last 15 s (a container's check)."""
    try:
        return 0 if time.time() - Path(path).stat().st_mtime < STALE_SECONDS else 1
    except FileNotFoundError:
        return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
