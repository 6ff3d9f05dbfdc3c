"""How a service's relay is, and what waits for it, as its database tells."""

from datetime import UTC, datetime
from typing import Any

from chassis import outbox
from chassis.clock import instant_text
from chassis.mongo import Database
from chassis.schemas import EventData

_COUNTED = 1_000


class Standing(EventData):
    """What a consumer tells of the relay beside it."""

    relay: bool
    """Whether one holds the lease."""
    documents: int
    """How many hold events that are not published; 1,000 stands for more."""
    oldest_at: datetime | None
    """When the longest waiting of these was made."""


def standing(database: Database) -> dict[str, Any]:
    """A Standing, JSON-ready, of the service whose database this is."""
    names = sorted(name for name in database.db.list_collection_names() if _has_outbox(database, name))
    waiting = [database[name] for name in names]
    made = [at for at in map(outbox.oldest, waiting) if at is not None]
    count = sum(one.count_documents(outbox.PENDING, hint="outbox_pending", limit=_COUNTED) for one in waiting)
    return {
        # not chassis.relay's to say: it would bring the broker's client into every consumer
        "relay": database["relay"].count_documents({"_id": "lease", "$expr": {"$gt": ["$until", "$$NOW"]}}) == 1,
        "documents": min(count, _COUNTED),
        "oldestAt": instant_text(datetime.fromtimestamp(min(made), UTC)) if made else None,
    }


def _has_outbox(database: Database, name: str) -> bool:
    return "outbox_pending" in database[name].index_information()
