"""auth-service's use cases."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from auth_service import events
from auth_service.config import Config
from auth_service.domain import RefreshToken, Replay, Status, guessable, judge_replay
from auth_service.errors import (
    AccountDeleted,
    AccountSuspended,
    EmailTaken,
    InvalidCredentials,
    RefreshTokenInvalid,
    RefreshTokenReused,
)
from auth_service.passwords import Passwords
from auth_service.store import Store
from chassis.clock import instant_text, new_id
from chassis.errors import NotFound
from chassis.mongo import Database, Document
from chassis.rpc import RpcClient
from chassis.schemas import invalid
from chassis.tokens import TokenIssuer
from chassis.tombstones import Tombstones, receipt


@dataclass(frozen=True, slots=True)
class Device:
    """What a session remembers of where it was opened."""

    name: str | None
    user_agent: str | None
    ip: str | None


class AuthService:
    """Accounts' credentials and their sessions."""

    def __init__(
        self,
        config: Config,
        database: Database,
        *,
        store: Store,
        passwords: Passwords,
        issuer: TokenIssuer,
        rpc: RpcClient,
        clock: Callable[[], datetime],
    ) -> None:
        self._key = config.jwt_refresh_secret.get_secret_value().encode()
        self._access_lifetime = timedelta(minutes=config.access_token_minutes)
        self._refresh_lifetime = timedelta(days=config.refresh_token_days)
        self._database = database
        self._store = store
        self._tombstones = Tombstones(database)
        self._passwords = passwords
        self._issuer = issuer
        self._rpc = rpc
        self._now = clock

    # accounts

    def sign_up(self, *, email: str, password: str, name: str, role: str, device: Device) -> Document:
        """Make an account and its first session. Raises EmailTaken, or ValidationFailed for a guessable password."""
        if guessable(password, [email, *email.split("@"), *name.split()]):
            raise invalid("password", "is too easy to guess")
        credential = self._new_credential(email, password, name, role)
        token, document = self._new_session(credential["_id"], device)

        def work(session: ClientSession) -> None:
            self._store.add_credential(credential, session)
            self._store.add_session(document, session)

        try:
            self._database.transact(work)
        except DuplicateKeyError:
            raise EmailTaken from None
        return self._tokens(credential, document, token)

    def ensure_admin(self, email: str, password: str) -> bool:
        """Make the first admin if there is none; whether this call did."""
        if self._store.has_admin():
            return False
        try:
            self._store.add_credential(self._new_credential(email, password, "Administrator", "admin"))
        except DuplicateKeyError:
            # another process that started at the same moment, or a user with this address
            return False
        return True

    def log_in(self, email: str, password: str, device: Device) -> Document:
        """Open a session. Raises InvalidCredentials alike for an unknown address and a wrong password."""
        credential = self._authenticate(email, password)
        if credential["status"] == Status.DELETED:
            raise AccountDeleted(data={"recoverableUntil": instant_text(credential["recoverableUntil"])})
        if credential["status"] == Status.SUSPENDED:
            raise AccountSuspended
        return self._open_session(credential, device)

    def recover(self, email: str, password: str, device: Device) -> Document:
        """Bring a deleted account back and open a session.

        user-service knows whether and until when: it is asked now, since its event may not have come yet.
        Raises InvalidCredentials; NotRecoverable or NotDeleted as user-service answers; ServiceUnavailable.
        """
        credential = self._authenticate(email, password)
        account = self._rpc.call("user-service", "recover_account", user_id=credential["_id"])
        token, document = self._new_session(credential["_id"], device)

        def work(session: ClientSession) -> None:
            self._store.set_status(credential["_id"], Status.ACTIVE, account["version"], session)
            self._store.add_session(document, session)

        self._database.transact(work)
        return self._tokens({**credential, "status": Status.ACTIVE}, document, token)

    # sessions

    def refresh(self, text: str) -> Document:
        """Rotate a refresh token. Raises RefreshTokenInvalid, or RefreshTokenReused, which ends the session."""
        presented = RefreshToken.parse(text)
        if presented is None:
            raise RefreshTokenInvalid
        now = self._now()
        successor = presented.successor(self._key)
        document = self._store.rotate(
            presented.session_id,
            presented.hashed(self._key),
            successor.hashed(self._key),
            now,
            now + self._refresh_lifetime,
        ) or self._replayed(presented, now)
        credential = self._store.credential(document["userId"])
        if credential is None or credential["status"] != Status.ACTIVE:
            raise RefreshTokenInvalid
        return self._tokens(credential, document, successor)

    def sessions(self, user_id: str) -> list[Document]:
        """The user's live sessions, last used first."""
        return self._store.sessions_of(user_id, self._now())

    def end_session(self, user_id: str, session_id: str) -> None:
        """End one of the user's sessions. Raises NotFound for any other."""
        if not self._store.revoke(session_id, user_id, "ENDED", self._now()):
            raise NotFound

    def log_out(self, user_id: str, session_id: str) -> None:
        """End the present session; again is the same as once."""
        self._store.revoke(session_id, user_id, "LOGOUT", self._now())

    def log_out_everywhere(self, user_id: str) -> None:
        self._store.revoke_all(user_id, "LOGOUT_ALL", self._now())

    # what user-service announces

    def user_updated(self, event: events.UserUpdated, session: ClientSession) -> None:
        self._store.set_name(event.user_id, event.name, event.version, session)

    def user_deactivated(self, event: events.UserDeactivated, session: ClientSession) -> None:
        applied = self._store.set_status(
            event.user_id, Status.DELETED, event.version, session, recoverable_until=event.scheduled_deletion_at
        )
        # an old event must not end the sessions that were opened after a recovery
        if applied:
            self._store.revoke_all(event.user_id, "DELETED", self._now(), session)

    def user_recovered(self, event: events.UserRecovered, session: ClientSession) -> None:
        self._store.set_status(event.user_id, Status.ACTIVE, event.version, session)

    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        self._store.erase(event.user_id, session)
        self._tombstones.bury(event.user_id, receipt(events.SOURCE, event.user_id), session)

    # steps

    def _authenticate(self, email: str, password: str) -> Document:
        credential = self._store.credential_by_email(email)
        if not self._passwords.verify(credential["passwordHash"] if credential else None, password) or not credential:
            raise InvalidCredentials
        return credential

    def _new_credential(self, email: str, password: str, name: str, role: str) -> Document:
        credential: Document = {
            "_id": new_id(),
            "email": email,
            "name": name,
            "nameVersion": 0,
            "role": role,
            "status": Status.ACTIVE,
            "statusVersion": 0,
            "recoverableUntil": None,
            "passwordHash": self._passwords.hash(password),
            "createdAt": self._now(),
        }
        return {**credential, "outbox": [events.user_registered(credential)]}

    def _open_session(self, credential: Document, device: Device) -> Document:
        token, document = self._new_session(credential["_id"], device)
        self._store.add_session(document)
        return self._tokens(credential, document, token)

    def _new_session(self, user_id: str, device: Device) -> tuple[RefreshToken, Document]:
        now = self._now()
        # the seed is random and never stored: the first generation is derived from it like every later one
        token = RefreshToken(new_id(), 0, new_id()).successor(self._key)
        return token, {
            "_id": token.session_id,
            "userId": user_id,
            "deviceName": device.name,
            "userAgent": device.user_agent,
            "ip": device.ip,
            "createdAt": now,
            "lastUsedAt": now,
            "expiresAt": now + self._refresh_lifetime,
            "generation": token.generation,
            "tokenHash": token.hashed(self._key),
            "rotatedAt": now,
        }

    def _replayed(self, presented: RefreshToken, now: datetime) -> Document:
        document = self._store.session(presented.session_id, now)
        if document is None:
            raise RefreshTokenInvalid
        verdict = judge_replay(
            presented,
            self._key,
            generation=document["generation"],
            hashed=document["tokenHash"],
            rotated_at=document["rotatedAt"],
            now=now,
        )
        if verdict is Replay.REUSED:
            self._store.revoke(document["_id"], document["userId"], "TOKEN_REUSED", now)
            raise RefreshTokenReused
        if verdict is Replay.UNKNOWN:
            raise RefreshTokenInvalid
        return document

    def _tokens(self, credential: Document, document: Document, refresh_token: RefreshToken) -> dict[str, Any]:
        user = {"id": credential["_id"], **{key: credential[key] for key in ("email", "name", "role", "status")}}
        claims = {"sid": document["_id"], **{key: credential[key] for key in ("email", "name", "role")}}
        return {
            "user": user,
            "sessionId": document["_id"],
            "accessToken": self._issuer.issue(credential["_id"], claims, self._access_lifetime),
            "accessTokenExpiresAt": self._now() + self._access_lifetime,
            "refreshToken": str(refresh_token),
            "refreshTokenExpiresAt": document["expiresAt"],
        }
