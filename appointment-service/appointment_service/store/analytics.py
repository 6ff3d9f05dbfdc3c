"""What the appointments and the offered minutes add up to."""

from appointment_service.store.indexes import CAPACITY
from chassis.mongo import Database


class AnalyticsStore:
    """The only place that talks to it."""

    def __init__(self, database: Database) -> None:
        self._capacity = database[CAPACITY]
