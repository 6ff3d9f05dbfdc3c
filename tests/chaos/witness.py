"""A service more: it counts every event of every service, by the same chassis as the others.

Most effects of the suite are such that twice is once, so a guard of theirs that fails may never show. A count shows it.
"""

# the chassis patches the standard library, so it is imported before anything else
# isort: off
from chassis.consumer import event_handler, serve
# isort: on

import os
from typing import Any

import eventlet
from pydantic import BaseModel, ConfigDict
from pymongo.client_session import ClientSession
from structlog.contextvars import get_contextvars

from chassis import events, logs
from chassis.config import DataConfig
from chassis.inbox import Inbox
from chassis.mongo import Database

NAME = "witness-service"
WORK_SECONDS = 0.02
"""What a handler takes at the least, so that a kill finds it at work."""


class Anything(BaseModel):
    model_config = ConfigDict(extra="allow")


config = DataConfig.read_or_exit()
logs.configure(NAME, "consumer", config.log_level)
database = Database(config.mongodb_uri, NAME)


def count(source: str, kind: str) -> Any:
    @event_handler(source, kind, Anything)
    def handle(_self: Any, _event: Anything, session: ClientSession) -> None:
        key = {"_id": get_contextvars()["event_id"]}
        update = {"$inc": {"count": 1}, "$setOnInsert": {"source": source, "type": kind}}
        database["counts"].update_one(key, update, upsert=True, session=session)
        eventlet.sleep(WORK_SECONDS)

    return handle


heard = events.subscriptions(config.contracts_dir)[NAME]
handlers = {
    f"{source}_{kind}".replace("-", "_"): count(source, kind) for source, kinds in heard.items() for kind in kinds
}
Witness = type("Witness", (), {"name": NAME, "inbox": Inbox(database), **handlers})

if __name__ == "__main__":
    assert os.environ["HEARTBEAT_FILE"]
    serve(Witness, config)
