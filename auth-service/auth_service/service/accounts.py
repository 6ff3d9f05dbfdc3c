"""Accounts: signing up and in, and what user-service announces of them."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from auth_service import events, metrics
from auth_service.calls import RECOVER_ACCOUNT
from auth_service.domain import Reason, Status, guessable
from auth_service.errors import AccountDeleted, AccountSuspended, EmailTaken
from auth_service.one_time_tokens import Purpose
from auth_service.passwords import Passwords
from auth_service.service.authentication import Authentication
from auth_service.service.one_time_tokens import OneTimeTokens
from auth_service.service.sessions import Device, Sessions
from auth_service.service.throttle import Throttle
from auth_service.store.credentials import Credentials
from chassis.audit import Audit
from chassis.clock import instant_text, new_id
from chassis.errors import AppError, NotFound, ServiceUnavailable
from chassis.export import told
from chassis.mongo import Database, Document
from chassis.rpc import Refused, RpcClient
from chassis.schemas import invalid
from chassis.tombstones import Tombstones, receipt

_TRIES = 3
"""A sign-in starts anew where the account changed while its password was being checked."""


class Accounts:
    """Who may sign in, and with what."""

    def __init__(
        self,
        database: Database,
        *,
        credentials: Credentials,
        sessions: Sessions,
        tombstones: Tombstones,
        passwords: Passwords,
        authentication: Authentication,
        tokens: OneTimeTokens,
        throttle: Throttle,
        audit: Audit,
        rpc: RpcClient,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._credentials = credentials
        self._sessions = sessions
        self._tombstones = tombstones
        self._passwords = passwords
        self._authentication = authentication
        self._tokens = tokens
        self._throttle = throttle
        self._audit = audit
        self._rpc = rpc
        self._now = clock

    def sign_up(self, *, email: str, password: str, name: str, role: str, device: Device) -> Document:
        """Make an account and its first session, and ask for the mail that verifies its address.

        Raises EmailTaken, TooManyAttempts for who tries out which addresses are taken, or ValidationFailed for a
        guessable password.
        """
        if guessable(password, [email, *email.split("@"), *name.split()]):
            raise invalid("password", "is too easy to guess")
        attempt = self._throttle.ask(device.ip)
        credential = self._new_credential(email, password, name, role)
        token, document = self._sessions.new(credential["_id"], device)
        credential["outbox"] += [
            events.account_opened(credential, device.ip),
            events.session_opened(credential, document),
        ]

        def work(session: ClientSession) -> None:
            self._credentials.add(credential, session)
            self._sessions.add(document, session)
            self._tokens.request(Purpose.VERIFY, credential["_id"], session)

        try:
            self._database.transact(work)
        except DuplicateKeyError:
            raise EmailTaken from None
        attempt.succeeded()
        metrics.SIGN_UPS.labels(role).inc()
        return self._sessions.tokens(credential, document, token)

    def ensure_admin(self, email: str, password: str) -> bool:
        """Make the first admin if there is none; whether this call did."""
        if self._credentials.has_admin():
            return False
        try:
            self._credentials.add(self._new_credential(email, password, "Administrator", "admin"))
        except DuplicateKeyError:
            # another process that started at the same moment, or a user with this address
            return False
        return True

    def log_in(self, email: str, password: str, device: Device) -> Document:
        """Open a session.

        Raises InvalidCredentials alike for an unknown address and a wrong password; AccountDeleted or AccountSuspended
        to who knows the password.
        """
        with metrics.signing_in():
            return self._log_in(email, password, device)

    def _log_in(self, email: str, password: str, device: Device) -> Document:
        for _ in range(_TRIES):
            credential = self._authentication.by_password(email, password, device.ip)
            if credential["status"] == Status.DELETED:
                until = instant_text(credential["recoverableUntil"])
                raise self._refused(credential, device, AccountDeleted(data={"recoverableUntil": until}))
            if credential["status"] == Status.SUSPENDED:
                raise self._refused(credential, device, AccountSuspended())
            token, document = self._sessions.new(credential["_id"], device)
            if self._database.transact(partial(self._sessions.open, credential, document)):
                return self._sessions.tokens(credential, document, token)
        raise ServiceUnavailable

    def recover(self, email: str, password: str, device: Device) -> Document:
        """Bring a deleted account back and open a session; those of before stay ended.

        user-service knows whether and until when: it is asked now, since its event may not have come yet.
        Raises InvalidCredentials; NotRecoverable or NotDeleted as user-service answers; ServiceUnavailable.
        """
        credential = self._authentication.by_password(email, password, device.ip)
        try:
            account = RECOVER_ACCOUNT.ask(self._rpc, user_id=credential["_id"])
        except Refused as refused:
            raise self._refused(credential, device, refused) from None
        token, document = self._sessions.new(credential["_id"], device)

        def work(session: ClientSession) -> bool:
            self._credentials.set_status(credential["_id"], Status.ACTIVE, account["version"], session)
            # the deletion's own event, which ends them, may come only after this
            self._sessions.revoke_all(credential["_id"], Reason.DELETED, session)
            return self._sessions.open(credential, document, session)

        if not self._database.transact(work):
            # closed again, or given another password, within these milliseconds
            raise ServiceUnavailable
        return self._sessions.tokens({**credential, "status": Status.ACTIVE}, document, token)

    def registration(self, user_id: str) -> Document:
        """What ``user-registered`` says of an account, for who needs it before that came. Raises NotFound."""
        credential = self._credentials.find(user_id)
        if credential is None:
            raise NotFound
        return events.registration(credential)

    def told(self, user_id: str) -> Document:
        """All that is kept about a person, but for hashes, JSON-ready."""
        credential = self._credentials.find(user_id)
        return {
            "account": told(credential, "passwordHash", "outbox") if credential else None,
            **self._sessions.told(user_id),
            "oneTimeTokens": self._tokens.held(user_id),
        }

    # what user-service announces

    def user_updated(self, event: events.UserUpdated, session: ClientSession) -> None:
        self._credentials.set_name(event.user_id, event.name, event.version, session)

    def user_deactivated(self, event: events.UserDeactivated, session: ClientSession) -> None:
        applied = self._credentials.set_status(
            event.user_id, Status.DELETED, event.version, session, recoverable_until=event.scheduled_deletion_at
        )
        # an old event must not end the sessions that were opened after a recovery
        if applied:
            self._sessions.revoke_all(event.user_id, Reason.DELETED, session)

    def user_recovered(self, event: events.UserRecovered, session: ClientSession) -> None:
        self._open_again(event.user_id, event.version, Reason.DELETED, session)

    def user_suspended(self, event: events.UserSuspended, session: ClientSession) -> None:
        if self._credentials.set_status(event.user_id, Status.SUSPENDED, event.version, session):
            self._sessions.revoke_all(event.user_id, Reason.SUSPENDED, session)

    def user_reinstated(self, event: events.UserReinstated, session: ClientSession) -> None:
        self._open_again(event.user_id, event.version, Reason.SUSPENDED, session)

    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        credential = self._credentials.find(event.user_id, session)
        if credential:
            self._throttle.forget(credential["email"], session)
        self._tokens.erase(event.user_id, session)
        self._credentials.erase(event.user_id, session)
        self._sessions.erase(event.user_id, session)
        self._tombstones.bury(event.user_id, receipt(events.SOURCE, event.user_id), session)

    # steps

    def _open_again(self, user_id: str, version: int, closed_for: Reason, session: ClientSession) -> None:
        if self._credentials.set_status(user_id, Status.ACTIVE, version, session):
            # the event that closed the account may come only after this; no session was rightly opened since
            self._sessions.revoke_all(user_id, closed_for, session)

    def _refused(self, credential: Document, device: Device, error: AppError) -> AppError:
        self._audit.record(events.session_refused(credential, device.ip, error.code))
        return error

    def _new_credential(self, email: str, password: str, name: str, role: str) -> Document:
        credential = new_credential(new_id(), email, name, role, self._passwords.hash(password), self._now())
        return {**credential, "outbox": [events.user_registered(credential)]}


def new_credential(user_id: str, email: str, name: str, role: str, password_hash: str, at: datetime) -> Document:
    """A credential as somebody who signs up gets it, without the event that tells of it."""
    return {
        "_id": user_id,
        "email": email,
        "name": name,
        "nameVersion": 0,
        "role": role,
        "status": Status.ACTIVE,
        "statusVersion": 0,
        "recoverableUntil": None,
        "emailVerified": False,
        "passwordHash": password_hash,
        "sessionsVersion": 0,
        "createdAt": at,
    }
