"""The inbox: each event takes effect once, however often it is delivered."""

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
        self._database = database

    def once(self, event_id: str, effect: Callable[[ClientSession], None]) -> bool:
        """Run ``effect(session)`` and record the id in one transaction; False if it took effect before."""

        def work(session: ClientSession) -> None:
            self._database[COLLECTION].insert_one({"_id": event_id, "at": now()}, session=session)
            effect(session)

        if self._seen(event_id):
            return False
        try:
            self._database.transact(work)
        except DuplicateKeyError:
            # a redelivery that raced this one; any other duplicate key is the effect's own and must be heard
            if not self._seen(event_id):
                raise
            return False
        return True

    def _seen(self, event_id: str) -> bool:
        return self._database[COLLECTION].find_one({"_id": event_id}) is not None
