"""Who may call: every way in which a token can be wrong."""

import base64
import json
import time
import warnings
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient

from chassis import tokens
from chassis.errors import TokenExpired, TokenInvalid
from chassis.keys import secret_key
from chassis.tokens import AUDIENCE, ISSUER, TokenIssuer, TokenVerifier
from devkit.testing import JWT_REFRESH_SECRET, JWT_SECRET, bearer

MINE = "/api/v1/things/1"


def part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def head(**fields: object) -> str:
    return part(json.dumps(fields).encode())


def payload(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {"sub": "u1", "sid": "s1", "role": "patient", "email": "pat@clinic.example", "name": "Pat Doe"}
    rest = {"type": "access", "iat": now, "nbf": now, "exp": now + 3600, "iss": ISSUER, "aud": AUDIENCE, "jti": "j"}
    return {**good, **rest, "fresh": False, **changed}


def signed(secret: str = JWT_SECRET, algorithm: str = "HS256", **changed: Any) -> str:
    claims = {name: value for name, value in payload(**changed).items() if value is not None}
    with warnings.catch_warnings():
        # HS512 with our key is short, which is not what its test is about
        warnings.simplefilter("ignore")
        return jwt.encode(claims, secret, algorithm=algorithm)


def call(client: FlaskClient, token: str, path: str = MINE) -> tuple[int, str]:
    answer = client.get(path, headers=[("Authorization", f"Bearer {token}")])
    return answer.status_code, answer.json.get("code", "OK")


def test_a_good_token_says_who_calls(client: FlaskClient, token: str) -> None:
    answer = client.get(MINE, headers={"Authorization": f"bearer {token}"})
    assert answer.json["data"] == {"id": "1", "user": "u1", "role": "patient"}


def test_the_good_payload_of_these_tests_is_good(client: FlaskClient) -> None:
    assert call(client, signed()) == (200, "OK")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dTpw", "Token abc"])
def test_no_token_is_told_apart(client: FlaskClient, header: str | None) -> None:
    answer = client.get(MINE, headers={"Authorization": header} if header is not None else {})
    assert (answer.status_code, answer.json["code"]) == (401, "TOKEN_MISSING")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_an_expired_token_asks_for_a_refresh(client: FlaskClient) -> None:
    assert call(client, signed(exp=int(time.time()) - 1)) == (401, "TOKEN_EXPIRED")


def forged() -> Iterator[Any]:
    body = part(json.dumps(payload()).encode())
    good = signed()
    header, _, signature = good.split(".")
    yield pytest.param(f"{head(alg='none', typ='JWT')}.{body}.", id="no algorithm")
    yield pytest.param(f"{head(alg='None')}.{body}.{signature}", id="no algorithm, spelled otherwise")
    yield pytest.param(f"{header}.{part(json.dumps(payload(role='admin')).encode())}.{signature}", id="role changed")
    yield pytest.param(f"{header}.{body}.", id="signature cut off")
    yield pytest.param(signed(JWT_REFRESH_SECRET), id="another secret")
    yield pytest.param(signed(algorithm="HS512"), id="another algorithm")
    yield pytest.param(signed(aud="another-suite"), id="another audience")
    yield pytest.param(signed(aud=None), id="no audience")
    yield pytest.param(signed(iss="evil"), id="another issuer")
    yield pytest.param(signed(iss=None), id="no issuer")
    yield pytest.param(signed(type="refresh"), id="a refresh token")
    # made as the tests are collected, minutes before the last of them runs
    yield pytest.param(signed(nbf=int(time.time()) + 3600), id="not valid yet")
    yield pytest.param(signed(exp="soon"), id="an odd expiry")
    for claim in ("sub", "sid", "role", "email", "name", "exp", "iat"):
        yield pytest.param(signed(**{claim: None}), id=f"no {claim}")
    yield pytest.param(signed(name="x" * 4000), id="over-long")
    yield pytest.param("a.b.c", id="no base64")
    yield pytest.param("..", id="empty parts")
    yield pytest.param("x", id="no parts")
    yield pytest.param("\xe9.\xe9.\xe9", id="no ASCII")
    yield pytest.param(f"{part(b'[' * 2900)}.{part(b'{}')}.x", id="deeply nested header")
    yield pytest.param(f"{head(alg='HS256')}.{part(b'[' * 2900)}.x", id="deeply nested payload")
    yield pytest.param(f"{head(alg='HS256', kid={'$ne': 1})}.{body}.x", id="an odd key id")
    yield pytest.param(f"{head(alg='HS256', jku='http://evil.example')}.{body}.x", id="a key elsewhere")
    yield pytest.param(f"{head(alg=['HS256'])}.{body}.x", id="a list of algorithms")


@pytest.mark.parametrize("token", list(forged()))
def test_a_token_that_is_not_ours_is_refused(client: FlaskClient, token: str) -> None:
    assert call(client, token) == (401, "TOKEN_INVALID")
    assert call(client, token) == (401, "TOKEN_INVALID")


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("patient", "/api/v1/patients-only", 200),
        ("doctor", "/api/v1/patients-only", 403),
        ("admin", "/api/v1/patients-only", 403),
        ("doctor", "/api/v1/staff", 200),
        ("admin", "/api/v1/staff", 200),
        ("patient", "/api/v1/staff", 403),
        ("root", MINE, 403),
        ("public", MINE, 403),
    ],
)
def test_a_role_opens_what_it_may(client: FlaskClient, role: str, path: str, status: int) -> None:
    assert client.get(path, headers=bearer("u1", role)).status_code == status


def test_access_is_decided_before_anything_is_read(client: FlaskClient) -> None:
    assert client.get(f"{MINE}?unknown=1").status_code == 401


def test_a_public_route_knows_nobody(client: FlaskClient, token: str) -> None:
    assert call(client, token, "/api/v1/public-identity") == (401, "TOKEN_MISSING")


def test_a_remembered_token_still_expires(monkeypatch: pytest.MonkeyPatch, claims: dict[str, str]) -> None:
    verifier = TokenVerifier([secret_key(JWT_SECRET)])
    token = TokenIssuer(secret_key(JWT_SECRET)).issue("u1", claims, timedelta(seconds=30))
    assert verifier.verify(token).user_id == "u1"
    monkeypatch.setattr(verifier, "_decode", lambda _: pytest.fail("the signature is checked once"))
    assert verifier.verify(token).user_id == "u1"
    late = time.time() + 31
    monkeypatch.setattr(tokens.time, "time", lambda: late)
    with pytest.raises(TokenExpired):
        verifier.verify(token)


def test_only_so_many_tokens_are_remembered_and_no_bad_one(
    monkeypatch: pytest.MonkeyPatch, claims: dict[str, str]
) -> None:
    monkeypatch.setattr(tokens, "_REMEMBERED", 3)
    verifier, issuer = TokenVerifier([secret_key(JWT_SECRET)]), TokenIssuer(secret_key(JWT_SECRET))
    for number in range(10):
        verifier.verify(issuer.issue(f"u{number}", claims, timedelta(minutes=1)))
        assert len(verifier._known) <= 3
    known = dict(verifier._known)
    with pytest.raises(TokenInvalid):
        verifier.verify("a.b.c")
    assert verifier._known == known
