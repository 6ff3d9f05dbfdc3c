"""Sessions: one per device, with a refresh token that is rotated at each use."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.client_session import ClientSession

from auth_service.domain import RefreshToken, Replay, Status, judge_replay
from auth_service.errors import RefreshTokenInvalid, RefreshTokenReused
from auth_service.store.credentials import Credentials
from auth_service.store.sessions import Sessions as Store
from chassis.clock import new_id
from chassis.errors import NotFound
from chassis.mongo import Document
from chassis.tokens import TokenIssuer


@dataclass(frozen=True, slots=True)
class Device:
    """What a session remembers of where it was opened."""

    name: str | None
    user_agent: str | None
    ip: str | None


class Sessions:
    """Opens, refreshes, lists and ends sessions, and mints their tokens."""

    def __init__(
        self,
        *,
        sessions: Store,
        credentials: Credentials,
        issuer: TokenIssuer,
        key: bytes,
        access_lifetime: timedelta,
        refresh_lifetime: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = sessions
        self._credentials = credentials
        self._issuer = issuer
        self._key = key
        self._access_lifetime = access_lifetime
        self._refresh_lifetime = refresh_lifetime
        self._now = clock

    def new(self, user_id: str, device: Device) -> tuple[RefreshToken, Document]:
        """A session that is not yet stored, and its first refresh token."""
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

    def add(self, document: Document, session: ClientSession | None = None) -> None:
        """Store a session that `new` made."""
        self._store.add(document, session)

    def tokens(self, credential: Document, document: Document, refresh_token: RefreshToken) -> Document:
        """What a client is given: the user, an access token of the session, and the refresh token."""
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
        credential = self._credentials.find(document["userId"])
        if credential is None or credential["status"] != Status.ACTIVE:
            raise RefreshTokenInvalid
        return self.tokens(credential, document, successor)

    def live(self, user_id: str) -> list[Document]:
        """The user's live sessions, last used first."""
        return self._store.live(user_id, self._now())

    def end(self, user_id: str, session_id: str) -> None:
        """End one of the user's sessions. Raises NotFound for any other."""
        if not self._store.revoke(session_id, user_id, "ENDED", self._now()):
            raise NotFound

    def log_out(self, user_id: str, session_id: str) -> None:
        """End the present session; again is the same as once."""
        self._store.revoke(session_id, user_id, "LOGOUT", self._now())

    def log_out_everywhere(self, user_id: str) -> None:
        self._store.revoke_all(user_id, "LOGOUT_ALL", self._now())

    def revoke_all(
        self, user_id: str, reason: str, session: ClientSession | None = None, except_id: str | None = None
    ) -> None:
        """End every live session of the user, but the one excepted."""
        self._store.revoke_all(user_id, reason, self._now(), session, except_id)

    def erase(self, user_id: str, session: ClientSession) -> None:
        """Delete every session of the user, and with them what they say of the person's devices."""
        self._store.erase(user_id, session)

    def _replayed(self, presented: RefreshToken, now: datetime) -> Document:
        document = self._store.find_live(presented.session_id, now)
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
