"""The life of an account: how it ends softly, and how it comes back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from chassis.mongo import Document
from chassis.tokens import Identity
from chassis.tombstones import Tombstones
from user_service import events
from user_service.domain import DeletionReason, Status, check_recoverable
from user_service.errors import NotDeleted, NotRecoverable
from user_service.service.profiles import Profiles
from user_service.store.users import Users


class Accounts:
    """Deletion and recovery; how to write to whom an account belongs."""

    def __init__(
        self,
        profiles: Profiles,
        *,
        users: Users,
        tombstones: Tombstones,
        window: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._profiles = profiles
        self._users = users
        self._tombstones = tombstones
        self._window = window
        self._now = clock

    def delete(self, who: Identity, reason: DeletionReason, comment: str | None) -> Document:
        """Delete softly: recoverable until ``scheduledDeletionAt``. Raises AccountDeleted the second time."""
        while True:
            user = self._profiles.own(who)
            now = self._now()
            changes = {
                "status": Status.DELETED,
                "deletion": {"reason": reason, "comment": comment, "requestedAt": now},
                "scheduledDeletionAt": now + self._window,
            }
            if changed := self._users.change(user, changes, events.user_deactivated, now):
                return changed

    def recover(self, user_id: str) -> dict[str, Any]:
        """Make a deleted account active again: ``{version, status}``.

        Raises NotRecoverable once the window has passed, NotDeleted for an active account; a user who is not
        known here yet cannot have been deleted.
        """
        while True:
            user = self._users.get(user_id)
            if user is None:
                raise NotRecoverable if self._tombstones.holds(user_id) else NotDeleted
            now = self._now()
            check_recoverable(user["status"], user["scheduledDeletionAt"], now)
            changes = {"status": Status.ACTIVE, "deletion": None, "scheduledDeletionAt": None}
            if changed := self._users.change(user, changes, events.user_recovered, now):
                return {"version": changed["version"], "status": changed["status"]}

    def contact(self, user_id: str) -> Document:
        """How to write to a person: ``{email, name, locale, timezone, status}``. Raises NotFound."""
        user = self._profiles.get(user_id)
        return {key: user[key] for key in ("email", "name", "locale", "timezone", "status")}
