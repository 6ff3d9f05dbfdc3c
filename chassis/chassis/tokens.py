"""Who calls: access tokens, issued and verified by flask-jwt-extended, each verified once and then remembered."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

import jwt
from flask import Flask
from flask_jwt_extended import JWTManager, create_access_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException

from chassis.errors import TokenExpired, TokenInvalid
from chassis.identity import Identity
from chassis.keys import Key

ISSUER = "auth-service"
AUDIENCE = "appointment-suite"
LONGEST = 4096
_REMEMBERED = 20_000


def _machinery(key: Key) -> Flask:
    """An app that serves nothing: flask-jwt-extended keeps its settings in one. One key, its algorithm alone."""
    app = Flask("tokens", static_folder=None)
    app.config.update(
        JWT_SECRET_KEY=key.signing,
        JWT_PRIVATE_KEY=key.signing,
        JWT_PUBLIC_KEY=key.verifying,
        JWT_ALGORITHM=key.algorithm,
        JWT_DECODE_ALGORITHMS=[key.algorithm],
        JWT_ENCODE_ISSUER=ISSUER,
        JWT_DECODE_ISSUER=ISSUER,
        JWT_ENCODE_AUDIENCE=AUDIENCE,
        JWT_DECODE_AUDIENCE=AUDIENCE,
        JWT_TOKEN_LOCATION=["headers"],
    )
    JWTManager(app)
    return app


class TokenIssuer:
    """Signs access tokens (auth-service alone does)."""

    def __init__(self, key: Key) -> None:
        self._app = _machinery(key)
        self._header = {"kid": key.kid}

    def issue(self, user_id: str, claims: dict[str, Any], lifetime: timedelta) -> str:
        """A signed access token. ``claims`` holds sid, role, email and name; also auth_time and email_verified."""
        with self._app.app_context():
            return create_access_token(
                identity=user_id,
                additional_claims=claims,
                additional_headers=self._header,
                expires_delta=lifetime,
            )


class TokenVerifier:
    """Verifies access tokens; a token that was found good is remembered until it expires.

    Revocation is another question and is asked apart from this one: the memory only saves the signature check.
    """

    def __init__(self, keys: Sequence[Key]) -> None:
        self._apps = {key.kid: (key.algorithm, _machinery(key)) for key in keys}
        # a token without a key id was signed with the shared secret that stands first, if there is any
        self._unnamed = next((key.kid for key in keys if key.algorithm == "HS256"), None)
        self._known: dict[str, Identity] = {}
        self._lock = Lock()

    def verify(self, token: str) -> Identity:
        """Who the token speaks for. Raises TokenExpired, or TokenInvalid for anything else that is wrong."""
        known = self._known.get(token)
        if known is None:
            known = self._decode(token)
            with self._lock:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[token] = known
        if known.expires_at <= time.time():
            self._known.pop(token, None)
            raise TokenExpired
        return known

    def _decode(self, token: str) -> Identity:
        if len(token) > LONGEST:
            raise TokenInvalid
        try:
            with self._machinery_of(token).app_context():
                claims = decode_token(token)
            if claims["type"] != "access":
                raise TokenInvalid
            return Identity(
                user_id=str(claims["sub"]),
                session_id=str(claims["sid"]),
                role=str(claims["role"]),
                email=str(claims["email"]),
                name=str(claims["name"]),
                email_verified=claims.get("email_verified") is True,
                issued_at=datetime.fromtimestamp(claims["iat"], UTC),
                authenticated_at=float(claims.get("auth_time", claims["iat"])),
                expires_at=float(claims["exp"]),
            )
        except jwt.ExpiredSignatureError:
            raise TokenExpired from None
        except (jwt.PyJWTError, JWTExtendedException, KeyError, ValueError, TypeError):
            raise TokenInvalid from None

    def _machinery_of(self, token: str) -> Flask:
        """What verifies with the token's key. Raises TokenInvalid; PyJWTError where the header can't be read.

        A key is used with its own algorithm only, so that no token can have a public key taken for a secret; and a
        header that asks for more than a key and an algorithm (jku, x5u, crit) is not ours.
        """
        header = jwt.get_unverified_header(token)
        kid = header.get("kid", self._unnamed)
        algorithm, app = self._apps.get(kid, (None, None)) if isinstance(kid, str) else (None, None)
        if app is None or header["alg"] != algorithm or not header.keys() <= {"alg", "typ", "kid"}:
            raise TokenInvalid
        return app
