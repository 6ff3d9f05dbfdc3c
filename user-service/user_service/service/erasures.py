"""The purge of what is due, and the receipts of those who must erase too."""

from collections.abc import Callable
from datetime import datetime

import structlog
from pymongo.client_session import ClientSession

from chassis.mongo import Database, Document
from chassis.tombstones import Tombstones
from user_service import events, store
from user_service.store.paging import Key
from user_service.store.relations import Relations
from user_service.store.users import Users

log = structlog.get_logger(__name__)


class Erasures:
    """How a person is erased everywhere, and how that is proven."""

    def __init__(
        self,
        database: Database,
        *,
        users: Users,
        relations: Relations,
        erasures: store.erasures.Erasures,
        tombstones: Tombstones,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._users = users
        self._relations = relations
        self._erasures = erasures
        self._tombstones = tombstones
        self._now = clock

    def purge_due(self, limit: int) -> int:
        """Erase for good up to ``limit`` deleted users whose window has passed; how many this call erased."""
        purged = sum(self._purge(user_id) for user_id in self._users.due(self._now(), limit))
        log.info("accounts purged", count=purged)
        return purged

    def receipt(self, service: str, event: events.UserDataErased, session: ClientSession) -> None:
        """Add a service's receipt to the erasure."""
        # an appointment's event that raced the purge did not see the tombstone: what it left goes now
        self._relations.forget(event.user_id, session)
        self._erasures.add_receipt(event.user_id, service, event.erased_at, self._now(), session)

    def listed(self, after: Key | None, limit: int) -> list[Document]:
        """Erasures, newest first."""
        return self._erasures.listed(after, limit)

    def _purge(self, user_id: str) -> bool:
        def work(session: ClientSession) -> bool:
            now = self._now()
            user = self._users.take_due(user_id, now, session)
            if user is None:
                # recovered meanwhile, or purged by another run
                return False
            self._relations.forget(user_id, session)
            self._erasures.begin(_new_erasure(user, now), session)
            for announcement in [*events.outliving(user.get("outbox", [])), events.user_deleted(user)]:
                self._tombstones.bury(user_id, announcement, session)
            return True

        return self._database.transact(work)


def _new_erasure(user: Document, now: datetime) -> Document:
    return {
        "_id": user["_id"],
        "role": user["role"],
        "startedAt": now,
        "awaiting": list(events.ERASERS),
        "receipts": {},
        "completedAt": None,
    }
