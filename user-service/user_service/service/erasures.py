"""The purge of what is due, and the receipts of those who must erase too."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from pymongo.client_session import ClientSession

from chassis.mongo import Database, Document
from chassis.tombstones import Tombstones
from user_service import events, store
from user_service.service.audit import Audit
from user_service.store.audit import Entries
from user_service.store.paging import Key
from user_service.store.patients import Patients
from user_service.store.relations import Relations
from user_service.store.users import Users
from user_service.store.verifications import Verifications

log = structlog.get_logger(__name__)


class Erasures:
    """How a person is erased everywhere, and how that is proven."""

    def __init__(
        self,
        database: Database,
        audit: Audit,
        *,
        users: Users,
        verifications: Verifications,
        entries: Entries,
        relations: Relations,
        patients: Patients,
        erasures: store.erasures.Erasures,
        tombstones: Tombstones,
        patience: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._audit = audit
        self._users = users
        self._verifications = verifications
        self._entries = entries
        self._relations = relations
        self._patients = patients
        self._erasures = erasures
        self._tombstones = tombstones
        self._patience = patience
        self._now = clock

    def purge_due(self, limit: int) -> int:
        """Erase for good up to ``limit`` deleted users whose window has passed; how many this call erased."""
        purged = sum(self._purge(user_id) for user_id in self._users.due(self._now(), limit))
        log.info("accounts purged", count=purged)
        return purged

    def reannounce_late(self, limit: int) -> int:
        """Announce up to ``limit`` erasures again whose receipts are late; how many this call announced."""
        now = self._now()
        announced = sum(
            self._erasures.announce_again(erasure, events.user_deleted(erasure), now)
            for erasure in self._erasures.unanswered(now - self._patience, limit)
        )
        if announced:
            log.warning("erasures announced again", count=announced)
        return announced

    def receipt(self, service: str, event: events.UserDataErased, session: ClientSession) -> None:
        """Add a service's receipt to the erasure."""
        self._erasures.add_receipt(event.user_id, service, event.erased_at, self._now(), session)

    def listed(self, after: Key | None, limit: int, *, is_open: bool | None) -> list[Document]:
        """Erasures, newest first: open or complete ones, or all. Each has ``late``: open for longer than is usual."""
        late = self._now() - self._patience
        return [
            # the defaults are for one that the version before this began while this one was being rolled out
            {
                "announcements": 1,
                "announcedAt": erasure["startedAt"],
                **erasure,
                "late": erasure["completedAt"] is None and erasure["startedAt"] <= late,
            }
            for erasure in self._erasures.listed(after, limit, is_open=is_open)
        ]

    def _purge(self, user_id: str) -> bool:
        def work(session: ClientSession) -> bool:
            now = self._now()
            user = self._users.take_due(user_id, now, session)
            if user is None:
                # recovered meanwhile, or purged by another run
                return False
            self._patients.erase(user_id, session)
            self._relations.forget(user_id, session)
            self._verifications.take(user_id, session)
            self._entries.forget_addresses(user_id, session)
            erasure = _new_erasure(user, now)
            self._erasures.begin(erasure, session)
            for announcement in [*events.outliving(user.get("outbox", [])), events.user_deleted(erasure)]:
                self._tombstones.bury(user_id, announcement, session)
            self._audit.record("account.purged", actor=None, subject_id=user_id, session=session)
            return True

        return self._database.transact(work)


def _new_erasure(user: Document, now: datetime) -> Document:
    return {
        "_id": user["_id"],
        "role": user["role"],
        # the purge is one change more, so that it is newer than all that was announced before
        "version": user["version"] + 1,
        "startedAt": now,
        "awaiting": list(events.HOLDERS),
        "receipts": {},
        "completedAt": None,
        "announcements": 1,
        "announcedAt": now,
    }
