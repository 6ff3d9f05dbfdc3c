"""attempts: {_id, fullAt, took, retryAt, account?, knownUntil?, expiresAt}; of mails {_id, times, passed, account,
expiresAt}

A bucket as the generic cell rate algorithm keeps it (ITU-T I.371): only ``fullAt``, when it will be full again. A try
moves that on by ``took`` milliseconds; one that would move it too far is refused (``took`` is 0), and would pass from
``retryAt`` on. Keys are HMACs: nothing here can be read back.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument, UpdateOne
from pymongo.client_session import ClientSession

from auth_service.limits import Bucket
from chassis.mongo import Database, Document

COLLECTION = "attempts"
INDEXES = [
    IndexModel([("expiresAt", ASCENDING)], name="expiry", expireAfterSeconds=0),
    IndexModel([("account", ASCENDING)], name="of_account", sparse=True),
]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a try took out of one bucket; nothing if it was refused."""

    key: str
    milliseconds: int
    retry_at: datetime

    @property
    def refused(self) -> bool:
        return self.milliseconds == 0


class Attempts:
    """Counts tries in the database, so that all processes count together."""

    def __init__(self, database: Database) -> None:
        self._attempts = database[COLLECTION]

    def take(
        self, key: str, bucket: Bucket, now: datetime, *, unknown: Bucket | None = None, account: str | None = None
    ) -> Taken:
        """Take a try out of the bucket ``key``, in one atomic update: of any number at once no more pass than may.

        ``unknown`` is the bucket instead if the key does not count as known; ``account`` is whose it is.
        """

        def chosen(measure: Callable[[Bucket], int]) -> Any:
            if unknown is None:
                return measure(bucket)
            return {"$cond": [{"$gt": ["$knownUntil", now]}, measure(bucket), measure(unknown)]}

        every = chosen(lambda one: _milliseconds(one.every))
        slack = chosen(lambda one: (one.at_once - 1) * _milliseconds(one.every))
        owner = {"account": account} if account else {}
        document = self._count(
            key,
            [
                {"$set": {"fullAt": {"$max": ["$fullAt", now]}, **owner}},
                {"$set": {"retryAt": {"$subtract": ["$fullAt", slack]}}},
                {"$set": {"took": {"$cond": [{"$lte": ["$retryAt", now]}, every, 0]}}},
                {"$set": {"fullAt": {"$add": ["$fullAt", "$took"]}}},
                {"$set": {"expiresAt": {"$max": ["$fullAt", "$knownUntil"]}}},
            ],
        )
        return Taken(key, document["took"], document["retryAt"])

    def give_back(self, taken: Iterable[Taken], known: tuple[str, datetime] | None = None) -> None:
        """Put back what was taken; ``known`` is a key that shall count as known until an instant."""
        updates = [
            UpdateOne({"_id": item.key}, [{"$set": {"fullAt": {"$subtract": ["$fullAt", item.milliseconds]}}}])
            for item in taken
        ]
        if known:
            key, until = known
            updates.append(UpdateOne({"_id": key}, {"$set": {"knownUntil": until, "expiresAt": until}}))
        self._attempts.bulk_write(updates, ordered=False)

    def within(self, key: str, most: int, span: timedelta, now: datetime, account: str) -> bool:
        """Count one more under ``key`` unless there were ``most`` within the last ``span``; whether it was counted."""
        recent = {"$filter": {"input": {"$ifNull": ["$times", []]}, "cond": {"$gt": ["$$this", now - span]}}}
        document = self._count(
            key,
            [
                {"$set": {"times": recent, "account": account, "expiresAt": now + span}},
                {"$set": {"passed": {"$lt": [{"$size": "$times"}, most]}}},
                {"$set": {"times": {"$concatArrays": ["$times", {"$cond": ["$passed", [now], []]}]}}},
            ],
        )
        passed: bool = document["passed"]
        return passed

    def forget(self, account: str, session: ClientSession) -> None:
        """Delete what is counted for an account, and which addresses it knows."""
        self._attempts.delete_many({"account": account}, session=session)

    def _count(self, key: str, steps: list[Document]) -> Document:
        counted = self._attempts.find_one_and_update(
            {"_id": key}, steps, upsert=True, return_document=ReturnDocument.AFTER
        )
        assert counted is not None  # there is one after an upsert
        return counted


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
