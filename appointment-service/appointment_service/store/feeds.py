"""The calendar feeds' collection."""

from appointment_service.store.indexes import FEEDS
from chassis.mongo import Database


class FeedStore:
    """The only place that talks to it."""

    def __init__(self, database: Database) -> None:
        self._feeds = database[FEEDS]
