"""The waitlist's collection."""

from appointment_service.store.indexes import WAITLIST
from chassis.mongo import Database


class WaitlistStore:
    """The only place that talks to it."""

    def __init__(self, database: Database) -> None:
        self._waitlist = database[WAITLIST]
