"""An app that loses, as C code may, the exit that a signal's handler raises while it is loaded."""

import signal
from contextlib import suppress

with suppress(SystemExit):
    print("waiting", flush=True)
    signal.pause()

from thing_service.web import app

__all__ = ["app"]
