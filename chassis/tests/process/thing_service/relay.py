"""The relay; with DIE_BEFORE_PULL it is killed when an event is confirmed and not yet removed.

HOLD_SECONDS and CONFIRM_SECONDS: for how long what no queue takes is held back, and a confirm is waited for.
"""

import os
import signal
from typing import Any

from chassis import logs, outbox
from chassis.config import DataConfig
from chassis.mongo import Database
from chassis.relay import holding, publisher, relay
from thing_service import SOURCE


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    config = DataConfig.read_or_exit()
    logs.configure(SOURCE, "relay")
    if os.environ.get("DIE_BEFORE_PULL"):
        outbox.pull = die
    holding.HOLD_SECONDS = float(os.environ.get("HOLD_SECONDS", holding.HOLD_SECONDS))
    publisher.CONFIRM_SECONDS = float(os.environ.get("CONFIRM_SECONDS", publisher.CONFIRM_SECONDS))
    relay(SOURCE, config, Database(config.mongodb_uri, SOURCE), ["things", "stones"]).run()
