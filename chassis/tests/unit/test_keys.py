"""Keys of access tokens: how they are read, and every way of passing one for another."""

import base64
import hashlib
import hmac
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from chassis.errors import TokenInvalid
from chassis.keys import Key, private_key, public_keys, read_pem, secret_key
from chassis.tokens import AUDIENCE, ISSUER, TokenIssuer, TokenVerifier
from devkit.testing import JWT_REFRESH_SECRET, JWT_SECRET


def pem(key: Any, passphrase: bytes | None = None) -> str:
    hidden = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    text: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
    return text.decode()


def public_pem(key: Any) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    text: bytes = key.public_key().public_bytes(serialization.Encoding.PEM, form)
    return text.decode()


ED, ED_NEXT, RSA = (
    ed25519.Ed25519PrivateKey.generate(),
    ed25519.Ed25519PrivateKey.generate(),
    rsa.generate_private_key(65537, 2048),
)
SECRET = secret_key(JWT_SECRET)
PAIRS = pytest.mark.parametrize("pair", [ED, RSA], ids=["EdDSA", "RS256"])


def part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def payload() -> dict[str, Any]:
    now = int(time.time())
    good = {"sub": "u1", "sid": "s1", "role": "admin", "email": "pat@clinic.example", "name": "Pat Doe"}
    return {**good, "type": "access", "iat": now, "exp": now + 3600, "iss": ISSUER, "aud": AUDIENCE, "jti": "j"}


def signed(key: Key, **header: Any) -> str:
    """A good token of the key, but for its header."""
    return jwt.encode(payload(), key.signing, algorithm=key.algorithm, headers={"kid": key.kid, **header})


def mac_signed(secret: bytes, **header: Any) -> str:
    """By hand: the library would refuse to take a public key for a secret."""
    head = part(json.dumps({"typ": "JWT", **header}).encode())
    body = f"{head}.{part(json.dumps(payload()).encode())}"
    return f"{body}.{part(hmac.digest(secret, body.encode(), hashlib.sha256))}"


def is_refused(verifier: TokenVerifier, token: str) -> bool:
    try:
        verifier.verify(token)
    except TokenInvalid:
        return True
    return False


# reading


@PAIRS
def test_both_halves_of_a_pair_have_the_same_id_and_algorithm(pair: Any) -> None:
    private, (public,) = private_key(pem(pair)), public_keys(public_pem(pair))
    assert (private.kid, private.algorithm) == (public.kid, public.algorithm)
    assert public.signing is None


def test_a_key_says_nothing_of_itself_when_it_is_shown() -> None:
    assert JWT_SECRET not in repr(SECRET)
    assert JWT_SECRET not in SECRET.kid
    assert len({SECRET.kid, secret_key(JWT_REFRESH_SECRET).kid, private_key(pem(ED)).kid}) == 3


@pytest.mark.parametrize("text", ["", "no key at all", public_pem(ED)[:-10], f"{public_pem(ED)} and more"])
def test_what_is_not_public_keys_to_its_end_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be public keys"):
        public_keys(text)


def test_several_public_keys_are_read_from_one_text_and_one_file(tmp_path: Path) -> None:
    text = f"# the next one\n{public_pem(ED_NEXT)}\n\n{public_pem(ED)}{public_pem(RSA)}"
    file = tmp_path / "keys.pem"
    file.write_text(text)
    assert [key.algorithm for key in public_keys(text)] == ["EdDSA", "EdDSA", "RS256"]
    assert public_keys(read_pem(str(file))) == public_keys(text)


def test_a_pem_of_one_line_is_read_as_an_env_file_writes_it() -> None:
    line = pem(ED).replace("\n", "\\n")
    assert private_key(read_pem(line)).kid == private_key(pem(ED)).kid


@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256R1()), ed448.Ed448PrivateKey.generate()],
    ids=["a short RSA key", "an EC key", "an Ed448 key"],
)
def test_a_weak_or_foreign_kind_of_key_is_refused(key: Any) -> None:
    with pytest.raises(ValueError, match="must be an Ed25519 key, or an RSA key of 2048 bits"):
        private_key(pem(key))
    with pytest.raises(ValueError, match="must be"):
        public_keys(public_pem(key))


@pytest.mark.parametrize(
    "text", [pem(ED, b"passphrase"), public_pem(ED), "-----BEGIN PRIVATE KEY-----\nAAAA", "no key"]
)
def test_what_is_no_private_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="is no private key in PEM without a passphrase") as refused:
        private_key(text)
    assert text not in str(refused.value)


def test_a_file_that_is_not_there_is_named_by_its_fault_alone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="FileNotFoundError") as refused:
        read_pem(str(tmp_path / "missing.pem"))
    assert "missing" not in str(refused.value)


# signing and verifying


@PAIRS
def test_who_knows_the_public_half_verifies_and_cannot_sign(pair: Any) -> None:
    claims = {"sid": "s1", "role": "patient", "email": "pat@clinic.example", "name": "Pat", "auth_time": 1.5}
    token = TokenIssuer(private_key(pem(pair))).issue("u1", claims, timedelta(minutes=1))
    identity = TokenVerifier(public_keys(public_pem(pair))).verify(token)
    assert (identity.user_id, identity.authenticated_at, identity.email_verified) == ("u1", 1.5, False)
    with pytest.raises(RuntimeError):
        TokenIssuer(public_keys(public_pem(pair))[0]).issue("u1", claims, timedelta(minutes=1))


def test_tokens_of_the_old_key_and_the_new_are_taken_together_while_keys_change() -> None:
    old, new, earlier = private_key(pem(ED)), private_key(pem(ED_NEXT)), secret_key(JWT_REFRESH_SECRET)
    verifier = TokenVerifier([SECRET, earlier, *public_keys(public_pem(ED) + public_pem(ED_NEXT))])
    assert [is_refused(verifier, signed(key)) for key in (old, new, SECRET, earlier)] == [False] * 4


def test_a_token_of_a_key_that_was_taken_away_is_refused() -> None:
    verifier = TokenVerifier(public_keys(public_pem(ED_NEXT)))
    assert is_refused(verifier, signed(private_key(pem(ED))))
    assert is_refused(verifier, signed(SECRET))


def test_a_token_without_a_key_id_is_of_the_first_secret_or_of_nobody() -> None:
    unnamed = jwt.encode(payload(), JWT_SECRET, algorithm="HS256")
    assert not is_refused(TokenVerifier([SECRET, secret_key(JWT_REFRESH_SECRET)]), unnamed)
    assert is_refused(TokenVerifier([secret_key(JWT_REFRESH_SECRET), SECRET]), unnamed)
    assert is_refused(TokenVerifier(public_keys(public_pem(ED))), unnamed)


# passing one for another


@PAIRS
def test_a_public_key_is_never_taken_for_a_secret(pair: Any) -> None:
    (public,) = public_keys(public_pem(pair))
    verifier = TokenVerifier([SECRET, public])
    raw = serialization.PublicFormat.SubjectPublicKeyInfo
    known = [
        public_pem(pair).encode(),
        public_pem(pair).strip().encode(),
        pair.public_key().public_bytes(serialization.Encoding.DER, raw),
    ]
    for secret in known:
        for kid in (public.kid, SECRET.kid):
            assert is_refused(verifier, mac_signed(secret, alg="HS256", kid=kid))
        assert is_refused(verifier, mac_signed(secret, alg="HS256"))
        assert is_refused(verifier, mac_signed(secret, alg=public.algorithm, kid=public.kid))


def test_these_forgeries_would_pass_if_their_secret_were_one_of_ours() -> None:
    assert not is_refused(TokenVerifier([SECRET]), mac_signed(JWT_SECRET.encode(), alg="HS256", kid=SECRET.kid))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"kid": secret_key(JWT_REFRESH_SECRET).kid}, id="the id of another secret"),
        pytest.param({"kid": private_key(pem(ED_NEXT)).kid}, id="the id of another pair"),
        pytest.param({"kid": "unknown"}, id="an id that nobody has"),
        pytest.param({"kid": ""}, id="an empty id"),
        pytest.param({"kid": "../../dev/null"}, id="a path"),
        pytest.param({"alg": "none"}, id="no algorithm"),
        pytest.param({"alg": "HS512"}, id="another algorithm of the same family"),
        pytest.param({"alg": "EdDSA"}, id="the algorithm of another kind of key"),
        pytest.param({"alg": "hs256"}, id="the algorithm in small letters"),
        pytest.param({"crit": ["exp"]}, id="an extension that must be understood"),
        pytest.param({"jku": "https://evil.example/keys"}, id="keys elsewhere"),
        pytest.param({"x5u": "https://evil.example/chain"}, id="certificates elsewhere"),
        pytest.param({"jwk": {"kty": "oct", "k": part(JWT_SECRET.encode())}}, id="a key that it brings along"),
        pytest.param({"b64": False}, id="another form of its payload"),
        pytest.param({"zip": "DEF"}, id="compressed"),
    ],
)
def test_a_header_that_asks_for_anything_else_is_refused_though_the_signature_is_good(header: dict[str, Any]) -> None:
    others = (secret_key(JWT_REFRESH_SECRET), *public_keys(public_pem(ED_NEXT)))
    good = {"alg": "HS256", "kid": SECRET.kid}
    verifier = TokenVerifier([SECRET, *others])
    assert not is_refused(verifier, mac_signed(JWT_SECRET.encode(), **good))
    assert is_refused(verifier, mac_signed(JWT_SECRET.encode(), **{**good, **header}))


@PAIRS
def test_a_pairs_token_under_another_pairs_id_is_refused(pair: Any) -> None:
    own = private_key(pem(pair))
    verifier = TokenVerifier([SECRET, *public_keys(public_pem(ED) + public_pem(ED_NEXT) + public_pem(RSA))])
    assert not is_refused(verifier, signed(own))
    for other in (SECRET, private_key(pem(ED_NEXT))):
        assert is_refused(verifier, signed(own, kid=other.kid))
    assert is_refused(verifier, signed(own, jku="https://evil.example/keys"))
