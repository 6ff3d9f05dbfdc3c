"""One-time tokens: what a mail carries to reset a password or to verify an address."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

_LONGEST_ID = 128


class Purpose(StrEnum):
    RESET = "RESET"
    VERIFY = "VERIFY"


LIFETIMES = {Purpose.RESET: timedelta(minutes=30), Purpose.VERIFY: timedelta(hours=24)}


@dataclass(frozen=True, slots=True)
class OneTimeToken:
    """``<request>.<secret>``, where the secret is an HMAC of the request and its purpose.

    So the token can be told again when its mail is sent, without having been stored or announced, and nobody who
    lacks JWT_REFRESH_SECRET can make one for a request that he saw.
    """

    request_id: str
    secret: str

    def __str__(self) -> str:
        return f"{self.request_id}.{self.secret}"

    @classmethod
    def of(cls, request_id: str, purpose: Purpose, key: bytes) -> "OneTimeToken":
        """The token of a request."""
        mac = hmac.digest(key, f"one-time\x00{purpose}\x00{request_id}".encode(), hashlib.sha256)
        return cls(request_id, base64.urlsafe_b64encode(mac).rstrip(b"=").decode())

    @classmethod
    def parse(cls, text: str) -> "OneTimeToken | None":
        """The token in ``text``, None if it has not the form of one."""
        request_id, dot, secret = text.partition(".")
        if not (dot and secret and 0 < len(request_id) <= _LONGEST_ID and text.isascii() and text.isprintable()):
            return None
        return cls(request_id, secret)

    def hashed(self, key: bytes) -> str:
        """HMAC-SHA-256, hexadecimal: all that is stored of a token."""
        return hmac.digest(key, f"store one-time\x00{self}".encode(), hashlib.sha256).hex()

    def matches(self, hashed: str, keys: Iterable[bytes]) -> bool:
        """Whether this is the token that was stored as ``hashed``, under the present key or one before it."""
        return any(hmac.compare_digest(self.hashed(key), hashed) for key in keys)
