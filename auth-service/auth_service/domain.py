"""Rules of accounts and sessions that need no I/O, clock or randomness."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

GRACE = timedelta(seconds=10)
"""How long the immediate predecessor of a refresh token still gets the same successor: two tabs, a lost answer."""

_LEAST_SCORE = 2
_LONGEST_SCORED = 72
_HIGHEST_GENERATION = 1_000_000


class Status(StrEnum):
    """How an account stands: only with an ACTIVE one can anybody sign in."""

    ACTIVE = "ACTIVE"
    DELETED = "DELETED"
    SUSPENDED = "SUSPENDED"


class Reason(StrEnum):
    """Why a session ended."""

    LOGOUT = "LOGOUT"
    LOGOUT_ALL = "LOGOUT_ALL"
    ENDED = "ENDED"
    TOKEN_REUSED = "TOKEN_REUSED"  # noqa: S105  a reason, no secret
    TOO_MANY = "TOO_MANY"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105  likewise
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105  likewise
    SUSPENDED = "SUSPENDED"
    DELETED = "DELETED"
    RESTORED = "RESTORED"


def guessable(password: str, known: list[str]) -> bool:
    """Whether fewer than about a million guesses find it (zxcvbn, https://doi.org/10.5555/3241094.3241108).

    ``known`` is what a guesser would try first: the person's name and address.
    """
    # here, for its dictionaries take 20 MB, of which only the process that takes new passwords has a use
    from zxcvbn import zxcvbn

    # the estimate's cost grows with length, and what is long and unguessable stays so
    score: int = zxcvbn(password[:_LONGEST_SCORED], user_inputs=known)["score"]
    return score < _LEAST_SCORE


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """An opaque refresh token: session, generation and a secret, written ``<session>.<generation>.<secret>``.

    Each generation's secret is an HMAC of the one before, so the successor of a presented token can be told
    again without being stored, and any older token of the session can be proven genuine without keeping a list.
    Only who holds JWT_REFRESH_SECRET can take the step. When that changes, a session goes on under the new key from
    its next generation, and records so (see `Chain`).
    """

    session_id: str
    generation: int
    secret: str

    def __str__(self) -> str:
        return f"{self.session_id}.{self.generation}.{self.secret}"

    @classmethod
    def parse(cls, text: str) -> "RefreshToken | None":
        """The token in ``text``, None if it has not the form of one."""
        parts = text.split(".")
        if len(parts) != 3 or not (parts[1].isascii() and parts[1].isdigit() and len(parts[1]) <= 7):
            return None
        generation = int(parts[1])
        if not 1 <= generation <= _HIGHEST_GENERATION:
            return None
        return cls(parts[0], generation, parts[2])

    def successor(self, key: bytes) -> "RefreshToken":
        """The next generation."""
        material = f"rotate\x00{self.session_id}\x00{self.generation}\x00{self.secret}"
        secret = base64.urlsafe_b64encode(_mac(key, material)).rstrip(b"=").decode()
        return RefreshToken(self.session_id, self.generation + 1, secret)

    def hashed(self, key: bytes) -> str:
        """HMAC-SHA-256, hexadecimal: all that is stored of a token."""
        return _mac(key, f"store\x00{self}").hex()

    def led_to(self, chain: "Chain", generation: int, hashed: str) -> bool:
        """Whether this is the genuine ancestor of the session's token of ``generation`` with that hash."""
        token = self
        while token.generation < generation:
            key = chain.key(token.generation + 1)
            if key is None:
                return False
            token = token.successor(key)
        key = chain.key(generation)
        return token.generation == generation and key is not None and hmac.compare_digest(token.hashed(key), hashed)


@dataclass(frozen=True, slots=True)
class Chain:
    """Under which key each generation of a session's tokens was made and hashed.

    ``spans`` are (first generation, key id), rising. A key that is not among ``keys`` any more makes the tokens
    of its span unprovable.
    """

    spans: Sequence[tuple[int, str]]
    keys: Mapping[str, bytes]

    def key(self, generation: int) -> bytes | None:
        """The key of a generation, None if it is not known."""
        identifier = next((kid for first, kid in reversed(self.spans) if first <= generation), "")
        return self.keys.get(identifier)


class Replay(StrEnum):
    """What a refresh token means that is not the session's current one."""

    WITHIN_GRACE = "the immediate predecessor, again within ten seconds"
    REUSED = "a genuine older token: somebody has a copy"
    UNKNOWN = "no token of this session"


def judge_replay(
    presented: RefreshToken, chain: Chain, *, generation: int, hashed: str, rotated_at: datetime, now: datetime
) -> Replay:
    """Judge a token that is not current, of a session whose current token is ``generation`` and ``hashed``.

    A stranger who knows the session's id cannot end it: only genuine ancestors count as reuse.
    """
    if presented.generation >= generation or not presented.led_to(chain, generation, hashed):
        return Replay.UNKNOWN
    if presented.generation == generation - 1 and now - rotated_at <= GRACE:
        return Replay.WITHIN_GRACE
    return Replay.REUSED


def _mac(key: bytes, material: str) -> bytes:
    return hmac.digest(key, material.encode(), hashlib.sha256)
