"""Tombstones: the ids of what was erased for good, so that an event that arrives late brings nothing back."""

from collections.abc import Iterable

from pymongo import IndexModel
from pymongo.client_session import ClientSession

from chassis import outbox
from chassis.clock import instant_text, now
from chassis.events import Event, cloud_event
from chassis.mongo import Database

COLLECTION = "tombstones"
INDEXES: list[IndexModel] = [outbox.INDEX]


def receipt(service: str, user_id: str) -> Event:
    """What a service answers to ``user-deleted``: it erased, or anonymised, all that it held about the person."""
    data = {"userId": user_id, "service": service, "erasedAt": instant_text(now())}
    return cloud_event(service, "user-data-erased", user_id, data)


class Tombstones:
    """One document per erased id: nothing personal, kept for ever; it carries the erasure's announcement."""

    def __init__(self, database: Database) -> None:
        self._tombstones = database[COLLECTION]

    def bury(self, identifier: str, announcement: Event, session: ClientSession) -> None:
        """Mark an id as erased, announcing it; again is the same as once, but announces again."""
        self._tombstones.update_one(
            {"_id": identifier},
            {"$setOnInsert": {"at": now()}, "$push": outbox.announce(announcement)},
            upsert=True,
            session=session,
        )

    def holds(self, identifier: str, session: ClientSession | None = None) -> bool:
        """Whether this id was erased."""
        return self._tombstones.find_one({"_id": identifier}, {"_id": 1}, session=session) is not None

    def live(self, identifiers: Iterable[str], session: ClientSession) -> set[str]:
        """Those of them that were not buried, nor can be until this transaction has committed.

        To have read that there is no tombstone is not enough: under snapshot isolation a burial could commit
        between that read and this commit (write skew), and what is inserted here would outlive the erasure. So
        the transaction also writes where a tombstone would stand, and conflicts with a concurrent burial.
        """
        wanted = set(identifiers)
        buried = self._tombstones.find({"_id": {"$in": list(wanted)}}, {"_id": 1}, session=session)
        # in one order, so that of two transactions about the same people one waits for the other
        live = sorted(wanted - {tombstone["_id"] for tombstone in buried})
        if live:
            self._tombstones.insert_many([{"_id": identifier} for identifier in live], session=session)
            self._tombstones.delete_many({"_id": {"$in": live}}, session=session)
        return set(live)

    def are_live(self, identifiers: Iterable[str], session: ClientSession) -> bool:
        """Whether all of them are ``live``."""
        wanted = set(identifiers)
        return self.live(wanted, session) == wanted
