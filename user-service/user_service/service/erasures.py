"""The purge of what is due, and the receipts of those who must erase too, and the ledger for restores."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from pymongo.client_session import ClientSession

from chassis.mongo import Database, Document
from chassis.tombstones import Tombstones
from user_service import events, store
from user_service.ledger import Ledger
from user_service.service.audit import Audit
from user_service.store.audit import Entries
from user_service.store.erasures import LEDGER
from user_service.store.paging import Key
from user_service.store.patients import Patients
from user_service.store.relations import Relations
from user_service.store.users import Users
from user_service.store.verifications import Verifications

log = structlog.get_logger(__name__)

_TOO_LONG = 6
"""Times the patience; an hour, as it is by default."""


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
        ledger: Ledger | None,
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
        self._ledger = ledger
        self._patience = patience
        self._now = clock

    def purge_due(self, limit: int) -> int:
        """Erase for good up to ``limit`` deleted users whose window has passed; how many this call erased."""
        purged = sum(self._purge(user_id) for user_id in self._users.due(self._now(), limit))
        log.info("accounts purged", count=purged)
        self._note(limit)
        return purged

    def reannounce_late(self, limit: int) -> int:
        """Announce up to ``limit`` erasures again whose receipts are late; how many this call announced.

        As many that are not in the ledger yet, because a process died or it could not be written, are noted there.
        """
        self._note(limit)
        now = self._now()
        unanswered = self._erasures.unanswered(now - self._patience, limit)
        announced = sum(
            self._erasures.announce_again(erasure, events.user_deleted(erasure), now) for erasure in unanswered
        )
        if announced:
            log.warning("erasures announced again", count=announced)
        if very_late := [found for found in unanswered if found["startedAt"] < now - _TOO_LONG * self._patience]:
            awaited = sorted({service for found in very_late for service in found["awaiting"]})
            log.error("erasures are late", alarm="ErasureLate", count=len(very_late), awaiting=awaited)
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

    # around a restore

    def note_all(self) -> int:
        """Add every erasure that the ledger lacks, whatever is noted of it here; how many. Raises OSError."""
        assert self._ledger, "there is no ledger"
        known = self._ledger.read()
        lacking = {user_id: at for user_id, at in self._erasures.all_begun() if user_id not in known}
        self._ledger.append(lacking)
        return len(lacking)

    def erase_again(self) -> int:
        """Purge everybody in the ledger once more, whatever state the account is in; how many there are.

        Each is announced as a new event, and complete again when all receipts are in. Safe to repeat. Raises OSError.
        """
        assert self._ledger, "there is no ledger"
        people = self._ledger.read()
        for user_id, at in people.items():
            self._erase_again(user_id, at)
        log.info("erased again", count=len(people))
        return len(people)

    def incomplete(self) -> list[str]:
        """Those in the ledger whose erasure is not complete."""
        assert self._ledger, "there is no ledger"
        return self._erasures.incomplete_of(self._ledger.read())

    # steps

    def _note(self, limit: int) -> None:
        """Add to the ledger up to ``limit`` erasures that are not known to be in it; what fails is tried next time."""
        if self._ledger is None:
            return
        lacking = self._erasures.unledgered(limit)
        if not lacking:
            return
        try:
            known = self._ledger.read()
            self._ledger.append({user_id: at for user_id, at in lacking.items() if user_id not in known})
        except OSError as error:
            log.error("erasures not noted", alarm="ErasureLedgerBehind", count=len(lacking), error=repr(error))
            return
        self._database.transact(lambda session: self._erasures.set_ledgered(list(lacking), self._now(), session))

    def _purge(self, user_id: str) -> bool:
        def work(session: ClientSession) -> bool:
            now = self._now()
            user = self._users.take_due(user_id, now, session)
            if user is None:
                # recovered meanwhile, or purged by another run
                return False
            self._forget(user_id, session)
            erasure = self._new_erasure(user, now)
            self._erasures.begin(erasure, session)
            for announcement in [*events.outliving(user.get("outbox", [])), events.user_deleted(erasure)]:
                self._tombstones.bury(user_id, announcement, session)
            self._audit.record("account.purged", actor=None, subject_id=user_id, session=session)
            return True

        return self._database.transact(work)

    def _erase_again(self, user_id: str, began: datetime) -> None:
        def work(session: ClientSession) -> None:
            now = self._now()
            user = self._users.take(user_id, session)
            self._forget(user_id, session)
            # an id that is unknown here may be known to others; its role is not kept, and no service asks for it
            unknown = {"_id": user_id, "role": "patient", "version": 0}
            erasure = self._new_erasure(user or self._erasures.get(user_id, session) or unknown, now)
            erasure |= {"startedAt": began, "awaiting": list(events.HOLDERS), "receipts": {LEDGER: now}}
            self._erasures.begin_again(erasure, session)
            self._tombstones.bury(user_id, events.user_deleted(erasure), session)
            if user:
                self._audit.record("account.purged", actor=None, subject_id=user_id, session=session)

        self._database.transact(work)

    def _forget(self, user_id: str, session: ClientSession) -> None:
        """Delete what there is besides the user's own document."""
        self._patients.erase(user_id, session)
        self._relations.forget(user_id, session)
        self._verifications.take(user_id, session)
        self._entries.forget_addresses(user_id, session)

    def _new_erasure(self, user: Document, now: datetime) -> Document:
        return {
            "_id": user["_id"],
            "role": user["role"],
            # the purge is one change more, so that it is newer than all that was announced before
            "version": user["version"] + 1,
            "startedAt": now,
            "awaiting": [*events.HOLDERS, *([LEDGER] if self._ledger else [])],
            "receipts": {},
            "completedAt": None,
            "announcements": 1,
            "announcedAt": now,
        }
