"""Slowing down who guesses passwords, without a way for a stranger to lock the owner out."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from prometheus_client import Counter
from pymongo.client_session import ClientSession

from auth_service import limits
from auth_service.errors import TooManyAttempts
from auth_service.one_time_tokens import Purpose
from auth_service.store.attempts import Attempts, Taken

log = structlog.get_logger(__name__)

OVER_LIMIT = Counter(
    "auth_attempts_over_limit_total",
    "Tries that found a bucket empty: of the client's address, of an account, of both together, or of mails.",
    ["bucket"],
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that may be made, and has been counted as if it will fail."""

    _throttle: "Throttle"
    _taken: tuple[Taken, ...]
    _pair: str | None = None

    def succeeded(self) -> None:
        """It did not fail: it counts no more, and the account knows the address from now on."""
        self._throttle.give_back(self._taken, self._pair)


class Throttle:
    """Buckets of tries: for an account from one address, for an address, for an account (ADR 0015).

    Each is taken from before the secret is checked, so that no more pass at once than may pass at all.
    """

    def __init__(self, attempts: Attempts, *, key: bytes, on: bool, clock: Callable[[], datetime]) -> None:
        self._attempts = attempts
        self._key = key
        self._on = on
        self._now = clock

    def sign_in(self, account: str, address: str | None) -> Attempt:
        """Count a try of a password. Raises TooManyAttempts.

        ``account`` is the e-mail address as it was sent: whether there is such an account makes no difference.
        """
        if not self._on:
            return Attempt(self, ())
        now, place = self._now(), limits.place(address)
        of_address = self._attempts.take(self._hidden("address", place), limits.ADDRESS, now)
        if of_address.refused:
            raise self._over("address", of_address, now)
        whose, pair = self._hidden("account", account), self._hidden("pair", account, place)
        of_account = self._attempts.take(whose, limits.ACCOUNT, now, account=whose)
        if of_account.refused:
            OVER_LIMIT.labels("account").inc()
        unknown = limits.STRANGE_PAIR if of_account.refused else None
        of_pair = self._attempts.take(pair, limits.KNOWN_PAIR, now, unknown=unknown, account=whose)
        if of_pair.refused:
            # nothing was tried: a stranger's refused tries must not make the account any tighter for others
            self.give_back((of_address, of_account))
            raise self._over("pair", of_pair, now)
        return Attempt(self, (of_address, of_account, of_pair), pair)

    def ask(self, address: str | None) -> Attempt:
        """Count a request that asks for a mail, brings a token or takes an address. Raises TooManyAttempts."""
        if not self._on:
            return Attempt(self, ())
        now = self._now()
        taken = self._attempts.take(self._hidden("address", limits.place(address)), limits.ADDRESS, now)
        if taken.refused:
            raise self._over("address", taken, now)
        return Attempt(self, (taken,))

    def may_mail(self, purpose: Purpose, account: str) -> bool:
        """Count a mail to an account, if it may be sent one more of its kind."""
        if not self._on:
            return True
        key, whose = self._hidden("mail", purpose, account), self._hidden("account", account)
        allowed = self._attempts.within(key, limits.MAILS, limits.MAILS_WITHIN, self._now(), whose)
        if not allowed:
            OVER_LIMIT.labels("mail").inc()
        return allowed

    def give_back(self, taken: tuple[Taken, ...], pair: str | None = None) -> None:
        """Count tries no more; ``pair`` is what proved to belong together."""
        if taken:
            self._attempts.give_back(taken, (pair, self._now() + limits.KNOWN_FOR) if pair else None)

    def stand_in(self, account: str) -> str:
        """An id for the work that is done for an account that may not be there: the same each time, and nobody's."""
        return self._hidden("nobody", account)

    def forget(self, account: str, session: ClientSession) -> None:
        """Delete what is counted for an account."""
        self._attempts.forget(self._hidden("account", account), session)

    def _over(self, bucket: str, taken: Taken, now: datetime) -> TooManyAttempts:
        OVER_LIMIT.labels(bucket).inc()
        log.warning("attempt refused", bucket=bucket)
        return TooManyAttempts(limits.seconds_until(taken.retry_at, now))

    def _hidden(self, *parts: str) -> str:
        return hmac.digest(self._key, "\x00".join(("attempt", *parts)).encode(), hashlib.sha256).hex()
