"""The audit: who did what to whom. Each service announces its entries; user-service keeps them all.

An entry holds ids and nothing that anybody wrote: no secret, no token, no clinical text.
"""

from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession

from chassis import outbox
from chassis.clock import instant_text, new_id, now
from chassis.events import Event, cloud_event
from chassis.mongo import Database

COLLECTION = "audit"
_RETENTION_SECONDS = 30 * 24 * 3600
INDEXES = [
    outbox.INDEX,
    # what is left of an announced entry is an empty shell; a relay is not away for a month
    IndexModel([("at", ASCENDING)], name="retention", expireAfterSeconds=_RETENTION_SECONDS),
]


def entry(
    source: str,
    action: str,
    *,
    actor_id: str | None,
    actor_role: str | None,
    subject_id: str | None = None,
    object_id: str | None = None,
    address: str | None = None,
    refused_for: str | None = None,
) -> Event:
    """The event of an entry, for the outbox of what it is about: it commits with the change that it tells of.

    ``action`` is ``<thing>.<verb>``; ``refused_for`` the error code of what was refused, None for what was done.
    """
    identifier = new_id()
    data: dict[str, Any] = {
        "entryId": identifier,
        "at": instant_text(now()),
        "action": action,
        "refusedFor": refused_for,
        "actorId": actor_id,
        "actorRole": actor_role,
        "subjectId": subject_id,
        "objectId": object_id,
        "address": address,
    }
    return cloud_event(source, "audit-recorded", identifier, data)


class Audit:
    """For what has no aggregate whose outbox an entry could ride in, such as a sign-in that was refused."""

    def __init__(self, database: Database) -> None:
        self._entries = database[COLLECTION]

    def record(self, recorded: Event, session: ClientSession | None = None) -> None:
        """Announce an entry."""
        document = {"_id": recorded["subject"], "at": now(), outbox.FIELD: [recorded]}
        self._entries.insert_one(document, session=session)
