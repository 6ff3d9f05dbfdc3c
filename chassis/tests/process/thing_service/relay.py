"""The relay; with DIE_BEFORE_PULL it is killed when an event is confirmed and not yet removed.

HOLD_SECONDS and CONFIRM_SECONDS: for how long what no queue takes is held back, and a confirm is waited for;
SWEEP_SECONDS and LOOK_SECONDS: how often it looks for events unasked, and at what its metrics tell.
"""

import os
import signal
from typing import Any

from chassis import outbox, telemetry
from chassis.config import DataConfig
from chassis.mongo import Database
from chassis.relay import holding, looking, process, publisher, relay
from thing_service import SOURCE


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    config = DataConfig.read_or_exit()
    telemetry.begin(config, SOURCE, "relay")
    if os.environ.get("DIE_BEFORE_PULL"):
        outbox.pull = die
    holding.HOLD_SECONDS = float(os.environ.get("HOLD_SECONDS", holding.HOLD_SECONDS))
    process.SWEEP_SECONDS = float(os.environ.get("SWEEP_SECONDS", process.SWEEP_SECONDS))
    publisher.CONFIRM_SECONDS = float(os.environ.get("CONFIRM_SECONDS", publisher.CONFIRM_SECONDS))
    looking.EVERY_SECONDS = float(os.environ.get("LOOK_SECONDS", looking.EVERY_SECONDS))
    relay(SOURCE, config, Database(config.mongodb_uri, SOURCE), ["things", "stones"]).run()
