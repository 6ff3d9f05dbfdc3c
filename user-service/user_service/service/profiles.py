"""Profiles: there with the first event or request, changed by their owner, listed for admins."""

from collections.abc import Callable
from datetime import datetime

from pymongo.client_session import ClientSession

from chassis.errors import AppError, NotFound, TokenInvalid, VersionMismatch
from chassis.identity import Identity
from chassis.mongo import Database, Document
from chassis.rpc import RpcClient
from chassis.tombstones import Tombstones
from user_service import events
from user_service.calls import REGISTRATION
from user_service.domain import Role, Status, check_open, difference, search_key, search_keys
from user_service.store.paging import Key
from user_service.store.users import Users
from user_service.store.verifications import Verifications


class Profiles:
    """Who the people are."""

    def __init__(
        self,
        database: Database,
        *,
        users: Users,
        verifications: Verifications,
        tombstones: Tombstones,
        rpc: RpcClient,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._users = users
        self._verifications = verifications
        self._tombstones = tombstones
        self._rpc = rpc
        self._now = clock

    def ensure(
        self,
        user_id: str,
        *,
        email: str,
        name: str,
        role: str,
        at: datetime,
        session: ClientSession,
        email_verified: bool = False,
    ) -> Document | None:
        """The user, made with ``at`` as its beginning if there was none; None if it was erased for good.

        Both doors of a sign-up come here, its event and the first request; which is first does not matter.
        The fence of ``are_live`` keeps a verification at the same moment from missing the user, and this from
        missing the verification.
        """
        if not self._tombstones.are_live([user_id], session):
            return None
        verified = self._verifications.take(user_id, session) or email_verified
        user = self._users.ensure(new_user(user_id, email, name, role, at, verified), session)
        return self._verify(user, session) if verified else user

    def registered(self, event: events.UserRegistered, session: ClientSession) -> Document | None:
        """A sign-up told by auth-service: the user, None if it was erased for good."""
        return self.ensure(
            event.user_id,
            email=event.email,
            name=event.name,
            role=event.role,
            at=event.registered_at,
            session=session,
        )

    def email_verified(self, event: events.EmailVerified, session: ClientSession) -> None:
        """The address was shown to be the user's: changed and announced once, kept in mind until there is a user."""
        if not self._tombstones.are_live([event.user_id], session):
            return
        user = self._users.get(event.user_id, session)
        if user is None:
            self._verifications.keep(event.user_id, session)
        else:
            self._verify(user, session)

    def email_not_verified(self, user_id: str, session: ClientSession) -> None:
        """The address was never verified, as auth-service says: what is held otherwise is wrong."""
        self._verifications.take(user_id, session)
        user = self._users.get(user_id, session)
        if user and user["emailVerified"]:
            self._users.change(user, {"emailVerified": False}, events.user_updated, self._now(), session)

    def own(self, who: Identity) -> Document:
        """The caller's user, verified where the token says so.

        Raises AccountDeleted, AccountSuspended, or TokenInvalid where the token outlived the user.
        """
        user = self._users.get(who.user_id)
        if user is None or (who.email_verified and not user["emailVerified"]):
            user = self._database.transact(
                lambda session: self.ensure(
                    who.user_id,
                    email=who.email,
                    name=who.name,
                    role=who.role,
                    at=who.issued_at,
                    session=session,
                    email_verified=who.email_verified,
                )
            )
        if user is None:
            raise TokenInvalid
        check_open(user["status"], user["scheduledDeletionAt"])
        return user

    def check_open(self, who: Identity, session: ClientSession | None = None) -> None:
        """Raises what ``own`` raises; a caller who is not known here yet passes, and is not made."""
        user = self._users.get(who.user_id, session)
        if user is not None:
            check_open(user["status"], user["scheduledDeletionAt"])
        elif self._tombstones.holds(who.user_id, session):
            raise TokenInvalid

    def update(self, who: Identity, wanted: Document, expected: int | None) -> Document:
        """Set the fields of ``wanted``; what is so already is no change and announces nothing.

        Raises VersionMismatch if ``expected`` is given and not current; what ``own`` raises.
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
        """Any user, also one who signed up a moment ago. Raises NotFound."""
        user = self._users.get(user_id) or self._newcomer(user_id)
        if user is None:
            raise NotFound
        return user

    def listed(
        self, *, status: Status | None, role: Role | None, beginning: str | None, after: Key | None, limit: int
    ) -> list[Document]:
        """Users, newest first, whose name or address begins so, whatever the case."""
        prefix = None if beginning is None else search_key(beginning)
        return self._users.listed(status=status, role=role, prefix=prefix, after=after, limit=limit)

    def _newcomer(self, user_id: str) -> Document | None:
        """The user made by asking auth-service, where the sign-up's event is still under way."""
        try:
            told = REGISTRATION.ask(self._rpc, user_id=user_id)
        except AppError:
            # unknown there too; or it is away, and the event will come
            return None
        event = events.UserRegistered.model_validate(told)
        return self._database.transact(lambda session: self.registered(event, session))

    def _verify(self, user: Document, session: ClientSession) -> Document:
        if user["emailVerified"]:
            return user
        changed = self._users.change(user, {"emailVerified": True}, events.user_updated, self._now(), session)
        assert changed is not None  # read in this transaction, which a change from outside would have ended
        return changed


def new_user(user_id: str, email: str, name: str, role: str, at: datetime, email_verified: bool) -> Document:
    """A user as it begins, of whoever signed up ``at`` that instant."""
    return {
        "_id": user_id,
        "email": email,
        "emailVerified": email_verified,
        "name": name,
        "phone": None,
        "avatarUrl": None,
        "locale": None,
        "timezone": None,
        "role": role,
        "status": Status.ACTIVE,
        "deletion": None,
        "scheduledDeletionAt": None,
        "suspension": None,
        "closedAt": None,
        "createdAt": at,
        "updatedAt": at,
        "version": 1,
        "search": search_keys(name, email),
    }
