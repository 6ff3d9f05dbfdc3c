"""The keys of access tokens: each has an id and the one algorithm that it is for.

A token names its key by ``kid``. The id follows from the key itself, so that rotating keys needs no list of names:
the new key signs, the old one verifies until the last token that it signed has expired.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

_LEAST_RSA_BITS = 2048
_END = "-----END PUBLIC KEY-----"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: ``signing`` is None where only the public half is known."""

    kid: str
    algorithm: str
    verifying: Any = field(repr=False)
    signing: Any = field(repr=False)


def secret_key(secret: str) -> Key:
    """A shared secret (HS256): who can verify with it can sign with it."""
    kid = _short(hmac.digest(secret.encode(), b"kid", hashlib.sha256))
    return Key(kid, "HS256", secret, secret)


def private_key(pem: str) -> Key:
    """An Ed25519 (EdDSA) or RSA (RS256, 2048 bits or more) private key in PEM, not encrypted. Raises ValueError."""
    try:
        private = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("is no private key in PEM without a passphrase") from None
    public = _public(private.public_key())
    return Key(public.kid, public.algorithm, public.verifying, private)


def public_keys(pems: str) -> tuple[Key, ...]:
    """The public keys of a text that holds one or several in PEM, one after another. Raises ValueError."""
    *blocks, rest = pems.split(_END)
    if not blocks or rest.strip():
        raise ValueError("must be public keys in PEM, and nothing after them")
    try:
        return tuple(_public(serialization.load_pem_public_key(f"{block}{_END}".strip().encode())) for block in blocks)
    except UnsupportedAlgorithm:
        raise ValueError("must be Ed25519 or RSA keys") from None


def read_pem(value: str) -> str:
    """The PEM itself: ``value`` is one, or the path of a file that holds it. Raises ValueError.

    In a value the two characters ``\\n`` stand for a line's end, since an .env file has a line for each variable.
    """
    if value.lstrip().startswith("-----BEGIN"):
        return value.replace("\\n", "\n")
    try:
        return Path(value).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"is neither PEM nor a file that can be read ({type(error).__name__})") from None


def _public(key: Any) -> Key:
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    kid = _short(hashlib.sha256(der).digest())
    if isinstance(key, ed25519.Ed25519PublicKey):
        return Key(kid, "EdDSA", key, None)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS:
        return Key(kid, "RS256", key, None)
    raise ValueError(f"must be an Ed25519 key, or an RSA key of {_LEAST_RSA_BITS} bits or more")


def _short(digest: bytes) -> str:
    return urlsafe_b64encode(digest[:12]).decode()
