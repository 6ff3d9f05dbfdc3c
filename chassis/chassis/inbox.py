"""The inbox: each event takes effect once, however often it is delivered.

Its retention is a rule for whatever may bring an event again: none may come more than 14 days after it took effect. A
message at hand when its consumer dies waits for the next one; so no consumer is away for that long. A dead letter waits
for an operator: ``chassis.dead_letters`` puts back none whose event is older than 13 days.
"""

from collections.abc import Callable
from datetime import timedelta

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from chassis.clock import now
from chassis.mongo import Database

COLLECTION = "inbox"
RETENTION = timedelta(days=14)
INDEX = IndexModel([("at", ASCENDING)], name="inbox_retention", expireAfterSeconds=int(RETENTION.total_seconds()))


class Inbox:
    """Remembers the ids of handled events for 14 days, longer than a message can wait to be redelivered."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def once(self, event_id: str, effect: Callable[[ClientSession], None]) -> bool:
        """Run ``effect(session)`` and record the id in one transaction; False if it took effect before."""

        def work(session: ClientSession) -> None:
            try:
                self.database[COLLECTION].insert_one({"_id": event_id, "at": now()}, session=session)
            except DuplicateKeyError:
                # told apart here: a duplicate key of the effect's own is the caller's to hear
                raise _SeenBefore from None
            effect(session)

        try:
            self.database.transact(work)
        except _SeenBefore:
            return False
        return True


class _SeenBefore(Exception):
    """The inbox holds this id already."""
