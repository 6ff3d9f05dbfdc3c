"""Profiles: there with the first event or request, changed by their owner, listed for admins."""

from collections.abc import Callable
from datetime import datetime

from pymongo.client_session import ClientSession

from chassis.clock import instant_text
from chassis.errors import NotFound, TokenInvalid, VersionMismatch
from chassis.mongo import Database, Document
from chassis.tokens import Identity
from chassis.tombstones import Tombstones
from user_service import events
from user_service.domain import Role, Status, difference, search_key, search_keys
from user_service.errors import AccountDeleted
from user_service.store.paging import Key
from user_service.store.users import Users


class Profiles:
    """Who the people are."""

    def __init__(
        self, database: Database, *, users: Users, tombstones: Tombstones, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._users = users
        self._tombstones = tombstones
        self._now = clock

    def ensure(
        self, user_id: str, *, email: str, name: str, role: str, at: datetime, session: ClientSession
    ) -> Document | None:
        """The user, made with ``at`` as its beginning if there was none; None if it was erased for good.

        Both doors of a sign-up come here, its event and the first request; which is first does not matter.
        The session's transaction is what keeps a purge at the same moment from being undone.
        """
        if self._tombstones.holds(user_id, session):
            return None
        return self._users.ensure(_new_user(user_id, email, name, role, at), session)

    def registered(self, event: events.UserRegistered, session: ClientSession) -> None:
        """A sign-up made by its event."""
        self.ensure(
            event.user_id,
            email=event.email,
            name=event.name,
            role=event.role,
            at=event.registered_at,
            session=session,
        )

    def own(self, who: Identity) -> Document:
        """The caller's user. Raises AccountDeleted, or TokenInvalid where the token outlived the user."""
        user = self._users.get(who.user_id) or self._database.transact(
            lambda session: self.ensure(
                who.user_id, email=who.email, name=who.name, role=who.role, at=who.issued_at, session=session
            )
        )
        if user is None:
            raise TokenInvalid
        if user["status"] == Status.DELETED:
            raise AccountDeleted(data={"recoverableUntil": instant_text(user["scheduledDeletionAt"])})
        return user

    def update(self, who: Identity, wanted: Document, expected: int | None) -> Document:
        """Set the fields of ``wanted``; what is so already is no change and announces nothing.

        Raises VersionMismatch if ``expected`` is given and not current; AccountDeleted, TokenInvalid.
        """
        while True:
            user = self.own(who)
            if expected not in (None, user["version"]):
                raise VersionMismatch
            changes = difference(user, wanted)
            if not changes:
                return user
            if "name" in changes:
                changes["search"] = search_keys(changes["name"], user["email"])
            if changed := self._users.change(user, changes, events.user_updated, self._now()):
                return changed

    def get(self, user_id: str) -> Document:
        """Any user. Raises NotFound."""
        user = self._users.get(user_id)
        if user is None:
            raise NotFound
        return user

    def listed(
        self, *, status: Status | None, role: Role | None, beginning: str | None, after: Key | None, limit: int
    ) -> list[Document]:
        """Users, newest first, whose name or address begins so, whatever the case."""
        prefix = None if beginning is None else search_key(beginning)
        return self._users.listed(status=status, role=role, prefix=prefix, after=after, limit=limit)


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
