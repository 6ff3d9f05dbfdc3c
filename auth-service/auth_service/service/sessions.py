"""Sessions: one per device, with a refresh token that is rotated at each use."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from pymongo.client_session import ClientSession

from auth_service import events
from auth_service.domain import Chain, Reason, RefreshToken, Replay, Status, judge_replay
from auth_service.errors import RefreshTokenInvalid, RefreshTokenReused
from auth_service.service.revocations import Revocations
from auth_service.store.credentials import Credentials
from auth_service.store.sessions import Sessions as Store
from chassis.clock import new_id
from chassis.errors import NotFound
from chassis.export import told
from chassis.identity import Identity
from chassis.keys import secret_key
from chassis.mongo import Database, Document
from chassis.tokens import TokenIssuer

MOST = 100
"""Live sessions of one user; one more ends the one that was used longest ago."""


@dataclass(frozen=True, slots=True)
class Device:
    """What a session remembers of where it was opened."""

    name: str | None
    user_agent: str | None
    ip: str | None


class Sessions:
    """Opens, refreshes, lists and ends sessions, and mints their tokens.

    ``secrets`` are those that refresh tokens are made under, the present one first.
    """

    def __init__(
        self,
        database: Database,
        *,
        sessions: Store,
        credentials: Credentials,
        revocations: Revocations,
        issuer: TokenIssuer,
        secrets: Sequence[str],
        access_lifetime: timedelta,
        refresh_lifetime: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._store = sessions
        self._credentials = credentials
        self._revocations = revocations
        self._issuer = issuer
        self._keys = {secret_key(secret).kid: secret.encode() for secret in secrets}
        self._key_id, self._key = next(iter(self._keys.items()))
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
            "keys": [{"from": token.generation, "id": self._key_id}],
        }

    def add(self, document: Document, session: ClientSession) -> None:
        """Store the first session of a new account, that `new` made."""
        self._store.add(document, session)

    def open(self, credential: Document, document: Document, session: ClientSession) -> bool:
        """Store a session that `new` made; False if the account was closed, or its password changed, meanwhile."""
        if not self._credentials.let_in(credential, events.session_opened(credential, document), session):
            return False
        live = self._store.live_ids(credential["_id"], self._now(), session)
        self._revocations.revoke(live[MOST - 1 :], credential["_id"], Reason.TOO_MANY, session)
        self._store.add(document, session)
        return True

    def tokens(self, credential: Document, document: Document, refresh_token: RefreshToken) -> Document:
        """What a client is given: the user, an access token of the session, and the refresh token."""
        user = {"id": credential["_id"], **{key: credential[key] for key in ("email", "name", "role", "status")}}
        claims = {
            "sid": document["_id"],
            **{key: credential[key] for key in ("email", "name", "role")},
            "auth_time": document["createdAt"].timestamp(),
            # a process of before this field may still be making accounts
            "email_verified": credential.get("emailVerified", False),
        }
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
            {presented.hashed(key): identifier for identifier, key in self._keys.items()},
            successor.hashed(self._key),
            self._key_id,
            now,
            now + self._refresh_lifetime,
        )
        if document is None:
            document, successor = self._replayed(presented, now)
        credential = self._credentials.find(document["userId"])
        if credential is None or credential["status"] != Status.ACTIVE:
            raise RefreshTokenInvalid
        return self.tokens(credential, document, successor)

    def live(self, user_id: str) -> list[Document]:
        """The user's live sessions, last used first."""
        return self._store.live(user_id, self._now())

    def is_live(self, session_id: str) -> bool:
        """Whether a session goes on, and its account is open."""
        document = self._store.find_live(session_id, self._now())
        credential = self._credentials.find(document["userId"]) if document else None
        return credential is not None and credential["status"] == Status.ACTIVE

    def end(self, who: Identity, session_id: str) -> None:
        """End one of one's own sessions. Raises NotFound for any other."""
        if not self._end(who, session_id, Reason.ENDED):
            raise NotFound

    def log_out(self, who: Identity) -> None:
        """End the present session; again is the same as once."""
        self._end(who, who.session_id, Reason.LOGOUT)

    def log_out_everywhere(self, who: Identity) -> None:
        """End all of one's own sessions."""
        self._database.transact(lambda session: self.revoke_all(who.user_id, Reason.LOGOUT_ALL, session, role=who.role))

    def end_all(self) -> int:
        """End every live session of everybody, after a restore; of how many people. Safe to repeat."""
        people = self._store.people(self._now())
        for user_id in people:
            self._database.transact(partial(self.revoke_all, user_id, Reason.RESTORED))
        return len(people)

    def revoke_all(
        self,
        user_id: str,
        reason: Reason,
        session: ClientSession,
        except_id: str | None = None,
        role: str | None = None,
    ) -> None:
        """End every live session of the user, but the one excepted; ``role`` is the user's who does it, if one does."""
        self._credentials.fence_sessions(user_id, session)
        live = self._store.live_ids(user_id, self._now(), session)
        self._revocations.revoke([one for one in live if one != except_id], user_id, reason, session, role)

    def told(self, user_id: str) -> Document:
        """The user's sessions, and those that ended of late, JSON-ready and without hashes."""
        return {
            "sessions": [told(item, "tokenHash", "keys") for item in self._store.of(user_id)],
            "revocations": [told(item, "outbox") for item in self._revocations.of(user_id)],
        }

    def erase(self, user_id: str, session: ClientSession) -> None:
        """Delete every session of the user, and with them what they say of the person's devices."""
        self._store.erase(user_id, session)
        self._revocations.erase(user_id, session)

    def _end(self, who: Identity, session_id: str, reason: Reason) -> bool:
        return self._database.transact(
            lambda session: self._revocations.revoke([session_id], who.user_id, reason, session, who.role)
        )

    def _replayed(self, presented: RefreshToken, now: datetime) -> tuple[Document, RefreshToken]:
        """The session and its current token, if the token presented is the one just before it.

        Raises RefreshTokenInvalid, or RefreshTokenReused, which ends the session.
        """
        document = self._store.find_live(presented.session_id, now)
        if document is None:
            raise RefreshTokenInvalid
        for chain in self._chains(document):
            verdict = judge_replay(
                presented,
                chain,
                generation=document["generation"],
                hashed=document["tokenHash"],
                rotated_at=document["rotatedAt"],
                now=now,
            )
            if verdict is Replay.REUSED:
                self._database.transact(
                    lambda session: self._revocations.revoke(
                        [document["_id"]], document["userId"], Reason.TOKEN_REUSED, session
                    )
                )
                raise RefreshTokenReused
            key = chain.key(document["generation"])
            if verdict is Replay.WITHIN_GRACE and key:
                return document, presented.successor(key)
        raise RefreshTokenInvalid

    def _chains(self, document: Document) -> list[Chain]:
        if "keys" in document:
            return [Chain([(span["from"], span["id"]) for span in document["keys"]], self._keys)]
        # a session of before keys had ids: made under one of them
        return [Chain([(1, identifier)], self._keys) for identifier in self._keys]
