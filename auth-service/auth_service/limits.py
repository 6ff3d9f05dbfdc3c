"""How fast passwords may be guessed and mails be asked for: numbers, and what counts as one address."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address


@dataclass(frozen=True, slots=True)
class Bucket:
    """``at_once`` tries together, and then one per ``every``."""

    at_once: int
    every: timedelta


KNOWN_PAIR = Bucket(20, timedelta(seconds=30))
"""One account from one address: more slips than a person makes, and 2,900 guesses a day."""

STRANGE_PAIR = Bucket(3, timedelta(minutes=5))
"""The same while the account is guessed at from all over, and from an address that it does not know."""

ADDRESS = Bucket(100, timedelta(seconds=6))
"""One address over all accounts: one password tried on many is spraying."""

ACCOUNT = Bucket(100, timedelta(seconds=36))
"""One account over all addresses: 100 failures in an hour. It refuses nobody: no stranger locks the owner out."""

KNOWN_FOR = timedelta(days=30)
"""How long an account knows an address that its password came from: as long as a refresh token lives."""

MAILS, MAILS_WITHIN = 3, timedelta(hours=1)
"""Mails of one kind that an account can be sent, whoever asks for them."""

_V6_HOUSEHOLD = 64


def place(address: str | None) -> str:
    """What counts as one address: IPv4 itself, also inside IPv6; of IPv6 the /64, which one household has whole."""
    try:
        parsed = ip_address((address or "").partition("%")[0])
    except ValueError:
        # whoever hides where he comes from shares one bucket with all who do
        return "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(IPv6Network((parsed, _V6_HOUSEHOLD), strict=False))
    return str(parsed)


def seconds_until(instant: datetime, now: datetime) -> int:
    """Whole seconds, at least one, after which ``instant`` has come: what Retry-After says."""
    return max(1, math.ceil((instant - now).total_seconds()))
