"""The collection of requests that carry an Idempotency-Key."""

from appointment_service.store.indexes import REQUESTS
from chassis.mongo import Database


class RequestStore:
    """The only place that talks to it."""

    def __init__(self, database: Database) -> None:
        self._requests = database[REQUESTS]
