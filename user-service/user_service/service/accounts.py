"""The life of an account: how it is closed, by its owner or an admin, and how it opens again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pymongo.client_session import ClientSession

from chassis.errors import AppError, NotFound, TokenInvalid, VersionMismatch
from chassis.events import Event
from chassis.identity import Identity
from chassis.mongo import Database, Document
from chassis.tombstones import Tombstones
from user_service import events, store
from user_service.domain import DeletionReason, Status, check_open, check_recoverable
from user_service.errors import AccountNotActive, CannotSuspendYourself, NotDeleted, NotRecoverable, NotSuspended
from user_service.service.audit import Actor, Audit
from user_service.service.profiles import Profiles
from user_service.store.users import Users

REMEMBERED = timedelta(hours=1)
"""How long a closure is told to who asks for all of them: no access token lives nearly as long."""


class Accounts:
    """Deletion and recovery, suspension and reinstatement; who is closed, and how to write to whom.

    Each change is one transaction: the user's next version with its event, and the entry in the audit.
    """

    def __init__(
        self,
        database: Database,
        profiles: Profiles,
        audit: Audit,
        *,
        users: Users,
        erasures: store.erasures.Erasures,
        tombstones: Tombstones,
        window: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._profiles = profiles
        self._audit = audit
        self._users = users
        self._erasures = erasures
        self._tombstones = tombstones
        self._window = window
        self._now = clock

    # what its owner does

    def delete(self, who: Identity, reason: DeletionReason, comment: str | None) -> Document:
        """Delete softly: recoverable until ``scheduledDeletionAt``. Raises what ``Profiles.own`` raises."""

        def work(session: ClientSession) -> Document:
            user = self._read(who.user_id, session, TokenInvalid)
            check_open(user["status"], user["scheduledDeletionAt"])
            now = self._now()
            changes = {
                "status": Status.DELETED,
                "deletion": {"reason": reason, "comment": comment, "requestedAt": now},
                "scheduledDeletionAt": now + self._window,
                "closedAt": now,
            }
            return self._write(user, changes, events.user_deactivated, "account.deactivated", who, session)

        # the sign-up's event may still be under way
        self._profiles.own(who)
        return self._database.transact(work)

    def recover(self, user_id: str) -> dict[str, Any]:
        """Make a deleted account active again: ``{version, status}``.

        Raises NotRecoverable once the window has passed, NotDeleted for an active account, AccountSuspended; a
        user who is not known here yet cannot have been deleted.
        """

        def work(session: ClientSession) -> Document:
            missing = NotRecoverable if self._tombstones.holds(user_id, session) else NotDeleted
            user = self._read(user_id, session, missing)
            check_recoverable(user["status"], user["scheduledDeletionAt"], self._now())
            changes = {"status": Status.ACTIVE, "deletion": None, "scheduledDeletionAt": None, "closedAt": None}
            owner = Actor(user_id, user["role"])
            return self._write(user, changes, events.user_recovered, "account.recovered", owner, session)

        recovered = self._database.transact(work)
        return {"version": recovered["version"], "status": recovered["status"]}

    # what an admin does

    def suspend(self, who: Identity, user_id: str, reason: str, expected: int | None) -> Document:
        """Close an active account until it is reinstated.

        Raises NotFound, VersionMismatch, AccountNotActive, CannotSuspendYourself; what ``Profiles.check_open``
        raises of the admin's own account.
        """
        if user_id == who.user_id:
            raise CannotSuspendYourself
        # before the transaction, since a newcomer is asked for elsewhere
        self._profiles.check_open(who)
        self._profiles.get(user_id)

        def work(session: ClientSession) -> Document:
            user = self._read_as_admin(who, user_id, expected, session)
            if user["status"] != Status.ACTIVE:
                raise AccountNotActive
            now = self._now()
            changes = {
                "status": Status.SUSPENDED,
                "suspension": {"reason": reason, "at": now, "by": who.user_id},
                "closedAt": now,
            }
            return self._write(user, changes, events.user_suspended, "account.suspended", who, session)

        return self._database.transact(work)

    def reinstate(self, who: Identity, user_id: str, expected: int | None) -> Document:
        """Lift a suspension. Raises NotFound, VersionMismatch, NotSuspended; what ``Profiles.check_open`` raises."""

        def work(session: ClientSession) -> Document:
            user = self._read_as_admin(who, user_id, expected, session)
            if user["status"] != Status.SUSPENDED:
                raise NotSuspended
            changes = {"status": Status.ACTIVE, "suspension": None, "closedAt": None}
            return self._write(user, changes, events.user_reinstated, "account.reinstated", who, session)

        return self._database.transact(work)

    def show(self, who: Identity, user_id: str) -> Document:
        """Any user, for an admin; that it was read is entered before it is shown. Raises NotFound."""
        user = self._profiles.get(user_id)
        self._audit.record("user.read", actor=who, subject_id=user_id)
        return user

    # what other services ask

    def closures(self) -> dict[str, float]:
        """{user id: seconds since 1970} of the accounts that were closed, or purged, within the last hour."""
        since = self._now() - REMEMBERED
        closed = {**self._users.closed_since(since), **self._erasures.begun_since(since)}
        return {user_id: instant.timestamp() for user_id, instant in closed.items()}

    def is_active(self, user_id: str) -> bool:
        """Whether an account is neither deleted, suspended nor purged; one that is not known here yet is active."""
        user = self._users.get(user_id)
        return user["status"] == Status.ACTIVE if user else not self._tombstones.holds(user_id)

    def contact(self, user_id: str) -> Document:
        """How to write to a person: ``{email, name, locale, timezone, status}``. Raises NotFound."""
        user = self._profiles.get(user_id)
        return {key: user[key] for key in ("email", "name", "locale", "timezone", "status")}

    # steps

    def _read(self, user_id: str, session: ClientSession, missing: type[AppError]) -> Document:
        user = self._users.get(user_id, session)
        if user is None:
            raise missing
        return user

    def _read_as_admin(self, who: Identity, user_id: str, expected: int | None, session: ClientSession) -> Document:
        self._profiles.check_open(who, session)
        # the fence: of two admins who suspend one another at once the second finds itself suspended
        if not self._tombstones.are_live([who.user_id, user_id], session):
            raise NotFound
        user = self._read(user_id, session, NotFound)
        if expected not in (None, user["version"]):
            raise VersionMismatch
        return user

    def _write(
        self,
        user: Document,
        changes: Document,
        announce: Callable[[Document], Event],
        action: str,
        actor: Identity | Actor,
        session: ClientSession,
    ) -> Document:
        changed = self._users.change(user, changes, announce, self._now(), session)
        assert changed is not None  # read in this transaction, which a change from outside would have ended
        self._audit.record(action, actor=actor, subject_id=user["_id"], session=session)
        return changed
