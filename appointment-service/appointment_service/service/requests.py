"""Requests that carry an Idempotency-Key: each takes effect once, however often it is sent."""

from collections.abc import Callable
from datetime import datetime

from pymongo.client_session import ClientSession

from appointment_service.store import RequestStore
from chassis.mongo import Database


class Requests:
    """Remembers for 24 hours what was answered to a request that carried an Idempotency-Key."""

    def __init__(self, database: Database, *, requests: RequestStore, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._requests = requests
        self._now = clock

    def erase(self, user_id: str, session: ClientSession) -> None:
        """Forget every answer that tells of a person."""
