"""Who calls: access tokens, issued and verified by flask-jwt-extended, each verified once and then remembered."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

import jwt
from flask import Flask
from flask_jwt_extended import JWTManager, create_access_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException

from chassis.errors import TokenExpired, TokenInvalid

ISSUER = "auth-service"
AUDIENCE = "appointment-suite"
LONGEST = 4096
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Identity:
    """The signed-in user, as the token's claims tell."""

    user_id: str
    session_id: str
    role: str
    email: str
    name: str
    issued_at: datetime
    expires_at: float


def _machinery(secret: str) -> Flask:
    """An app that serves nothing: flask-jwt-extended keeps its settings in one. HS256, issuer, audience."""
    app = Flask("tokens", static_folder=None)
    app.config.update(
        JWT_SECRET_KEY=secret,
        JWT_ALGORITHM="HS256",
        JWT_DECODE_ALGORITHMS=["HS256"],
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

    def __init__(self, secret: str) -> None:
        self._app = _machinery(secret)

    def issue(self, user_id: str, claims: dict[str, Any], lifetime: timedelta) -> str:
        """A signed access token. ``claims`` holds sid, role, email and name."""
        with self._app.app_context():
            return create_access_token(identity=user_id, additional_claims=claims, expires_delta=lifetime)


class TokenVerifier:
    """Verifies access tokens; a token that was found good is remembered until it expires.

    Revocation is another question and is asked apart from this one: the memory only saves the signature check.
    """

    def __init__(self, secret: str) -> None:
        self._app = _machinery(secret)
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
            with self._app.app_context():
                claims = decode_token(token)
            if claims["type"] != "access":
                raise TokenInvalid
            return Identity(
                user_id=str(claims["sub"]),
                session_id=str(claims["sid"]),
                role=str(claims["role"]),
                email=str(claims["email"]),
                name=str(claims["name"]),
                issued_at=datetime.fromtimestamp(claims["iat"], UTC),
                expires_at=float(claims["exp"]),
            )
        except jwt.ExpiredSignatureError:
            raise TokenExpired from None
        except (jwt.PyJWTError, JWTExtendedException, KeyError, ValueError, TypeError):
            raise TokenInvalid from None
