"""The calendar feeds' collection, and the appointments that a feed tells of."""

from datetime import datetime, timedelta

from pymongo import DESCENDING
from pymongo.client_session import ClientSession

from appointment_service.domain.appointment import HELD
from appointment_service.store.indexes import APPOINTMENTS, BY_START, FEEDS
from chassis.mongo import Database, Document

_LONGEST = timedelta(days=1)
_TOLD = {"claims": 0, "outbox": 0, "history": 0, "reason": 0}
_OF_PERSON = (("patientId", "of_patient"), ("doctorId", "of_doctor"))
_LATEST_FIRST = [(field, DESCENDING) for field, _ in BY_START]


class FeedStore:
    """The only place that talks to the feeds' collection."""

    def __init__(self, database: Database) -> None:
        self._feeds = database[FEEDS]
        self._appointments = database[APPOINTMENTS]

    def put(self, user_id: str, secret: str, at: datetime, session: ClientSession) -> None:
        """Give a person's feed this (hashed) secret in place of any that it had."""
        facts = {"secret": secret, "createdAt": at}
        self._feeds.update_one({"_id": user_id}, {"$set": facts}, upsert=True, session=session)

    def of(self, user_id: str) -> Document | None:
        return self._feeds.find_one({"_id": user_id})

    def by_secret(self, secret: str) -> Document | None:
        return self._feeds.find_one({"secret": secret}, hint="secret")

    def remove(self, user_id: str, session: ClientSession | None = None) -> None:
        self._feeds.delete_one({"_id": user_id}, session=session)

    def appointments(self, user_id: str, since: datetime, now: datetime, limit: int) -> list[Document]:
        """Up to ``limit`` of the person's appointments, as patient or doctor, that end after ``since``.

        Where there are more, those to come go first, the next first of all; then those that are over, latest first.
        """
        found: list[Document] = []
        ahead, behind = {"$gte": now}, {"$gt": since - _LONGEST, "$lt": now}
        for start, order in ((ahead, BY_START), (behind, _LATEST_FIRST)):
            for field, index in _OF_PERSON:
                where = {field: user_id, "start": start, "end": {"$gt": since}, "status": {"$ne": HELD}}
                # to the driver a limit of nothing is none
                if left := limit - len(found):
                    found += self._appointments.find(where, _TOLD, hint=index, limit=left).sort(order)
        return found
