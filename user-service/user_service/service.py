"""user-service's use cases."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from pymongo.client_session import ClientSession

from chassis.clock import instant_text
from chassis.errors import NotFound, TokenInvalid, VersionMismatch
from chassis.events import Event
from chassis.mongo import Database, Document
from chassis.tokens import Identity
from chassis.tombstones import Tombstones
from user_service import events
from user_service.config import Config
from user_service.domain import (
    DeletionReason,
    Role,
    Status,
    check_recoverable,
    difference,
    search_key,
    search_keys,
)
from user_service.errors import AccountDeleted, NotDeleted, NotRecoverable
from user_service.store import Store

log = structlog.get_logger(__name__)

Key = tuple[datetime, str]


class UserService:
    """Profiles, the life of an account, erasure, and who cares for whom."""

    def __init__(self, config: Config, database: Database, *, store: Store, clock: Callable[[], datetime]) -> None:
        self._window = timedelta(days=config.account_recovery_days)
        self._database = database
        self._store = store
        self._tombstones = Tombstones(database)
        self._now = clock

    # profiles

    def ensure_user(
        self, user_id: str, *, email: str, name: str, role: str, at: datetime, session: ClientSession
    ) -> Document | None:
        """The user, made with ``at`` as its beginning if there was none; None if it was erased for good.

        Both doors of a sign-up come here, its event and the first request; which is first does not matter.
        The session's transaction is what keeps a purge at the same moment from being undone.
        """
        if self._tombstones.holds(user_id, session):
            return None
        return self._store.ensure(_new_user(user_id, email, name, role, at), session)

    def profile(self, who: Identity) -> Document:
        """The caller's user. Raises AccountDeleted, or TokenInvalid where the token outlived the user."""
        user = self._store.user(who.user_id) or self._database.transact(
            lambda session: self.ensure_user(
                who.user_id, email=who.email, name=who.name, role=who.role, at=who.issued_at, session=session
            )
        )
        if user is None:
            raise TokenInvalid
        if user["status"] == Status.DELETED:
            raise AccountDeleted(data={"recoverableUntil": instant_text(user["scheduledDeletionAt"])})
        return user

    def update_profile(self, who: Identity, wanted: Document, expected: int | None) -> Document:
        """Set the fields of ``wanted``; what is so already is no change and announces nothing.

        Raises VersionMismatch if ``expected`` is given and not current; AccountDeleted, TokenInvalid.
        """
        while True:
            user = self.profile(who)
            if expected not in (None, user["version"]):
                raise VersionMismatch
            changes = difference(user, wanted)
            if not changes:
                return user
            if "name" in changes:
                changes["search"] = search_keys(changes["name"], user["email"])
            if changed := self._change(user, changes, events.user_updated):
                return changed

    def delete_account(self, who: Identity, reason: DeletionReason, comment: str | None) -> Document:
        """Delete softly: recoverable until ``scheduledDeletionAt``. Raises AccountDeleted the second time."""
        while True:
            user = self.profile(who)
            now = self._now()
            changes = {
                "status": Status.DELETED,
                "deletion": {"reason": reason, "comment": comment, "requestedAt": now},
                "scheduledDeletionAt": now + self._window,
            }
            if changed := self._change(user, changes, events.user_deactivated):
                return changed

    # what an admin sees

    def user(self, user_id: str) -> Document:
        """Any user. Raises NotFound."""
        user = self._store.user(user_id)
        if user is None:
            raise NotFound
        return user

    def users(
        self, *, status: Status | None, role: Role | None, beginning: str | None, after: Key | None, limit: int
    ) -> list[Document]:
        """Users, newest first, whose name or address begins so, whatever the case."""
        prefix = None if beginning is None else search_key(beginning)
        return self._store.users(status=status, role=role, prefix=prefix, after=after, limit=limit)

    def erasures(self, after: Key | None, limit: int) -> list[Document]:
        """Erasures, newest first."""
        return self._store.erasures(after, limit)

    # what other services ask

    def recover_account(self, user_id: str) -> dict[str, Any]:
        """Make a deleted account active again: ``{version, status}``.

        Raises NotRecoverable once the window has passed, NotDeleted for an active account; a user who is not
        known here yet cannot have been deleted.
        """
        while True:
            user = self._store.user(user_id)
            if user is None:
                raise NotRecoverable if self._tombstones.holds(user_id) else NotDeleted
            check_recoverable(user["status"], user["scheduledDeletionAt"], self._now())
            changes = {"status": Status.ACTIVE, "deletion": None, "scheduledDeletionAt": None}
            if changed := self._change(user, changes, events.user_recovered):
                return {"version": changed["version"], "status": changed["status"]}

    def purge_due_accounts(self, limit: int) -> int:
        """Erase for good up to ``limit`` deleted users whose window has passed; how many this call erased."""
        purged = sum(self._purge(user_id) for user_id in self._store.due(self._now(), limit))
        log.info("accounts purged", count=purged)
        return purged

    def contact(self, user_id: str) -> Document:
        """How to write to a person: ``{email, name, locale, timezone, status}``. Raises NotFound."""
        user = self.user(user_id)
        return {key: user[key] for key in ("email", "name", "locale", "timezone", "status")}

    # what others announce

    def user_registered(self, event: events.UserRegistered, session: ClientSession) -> None:
        self.ensure_user(
            event.user_id,
            email=event.email,
            name=event.name,
            role=event.role,
            at=event.registered_at,
            session=session,
        )

    def relate(self, event: events.AppointmentChanged, *, cancelled: bool, session: ClientSession) -> None:
        """Remember who has an appointment with whom, and whether it was cancelled."""
        if any(self._tombstones.holds(person, session) for person in (event.doctor_id, event.patient_id)):
            return
        relation = {
            "_id": event.appointment_id,
            "doctorId": event.doctor_id,
            "patientId": event.patient_id,
            "version": event.version,
            "cancelled": cancelled,
        }
        self._store.relate(relation, session)

    def user_data_erased(self, service: str, event: events.UserDataErased, session: ClientSession) -> None:
        """Add a service's receipt to the erasure."""
        # an appointment's event that raced the purge did not see the tombstone: what it left goes now
        self._store.forget_relations(event.user_id, session)
        self._store.add_receipt(event.user_id, service, event.erased_at, self._now(), session)

    # steps

    def _change(self, user: Document, changes: Document, announce: Callable[[Document], Event]) -> Document | None:
        """Write the next version of ``user`` with its event; None if it is no longer as it was read."""
        changes = {**changes, "updatedAt": self._now()}
        changed = {**user, **changes, "version": user["version"] + 1}
        applied = self._store.change(user["_id"], user["version"], changes, announce(changed))
        return changed if applied else None

    def _purge(self, user_id: str) -> bool:
        def work(session: ClientSession) -> bool:
            now = self._now()
            user = self._store.take_due(user_id, now, session)
            if user is None:
                # recovered meanwhile, or purged by another run
                return False
            self._store.forget_relations(user_id, session)
            self._store.begin_erasure(_new_erasure(user, now), session)
            for announcement in [*events.outliving(user.get("outbox", [])), events.user_deleted(user)]:
                self._tombstones.bury(user_id, announcement, session)
            return True

        return self._database.transact(work)


def _new_user(user_id: str, email: str, name: str, role: str, at: datetime) -> Document:
    return {
        "_id": user_id,
        "email": email,
        "emailVerified": False,
        "name": name,
        "phone": None,
        "avatarUrl": None,
        "locale": None,
        "timezone": None,
        "role": role,
        "status": Status.ACTIVE,
        "deletion": None,
        "scheduledDeletionAt": None,
        "createdAt": at,
        "updatedAt": at,
        "version": 1,
        "search": search_keys(name, email),
    }


def _new_erasure(user: Document, now: datetime) -> Document:
    return {
        "_id": user["_id"],
        "role": user["role"],
        "startedAt": now,
        "awaiting": list(events.ERASERS),
        "receipts": {},
        "completedAt": None,
    }
