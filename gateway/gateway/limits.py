"""How often a client may ask: who is signed in counts for themselves, everybody else by address."""

import ipaddress
from functools import lru_cache
from math import ceil

from prometheus_client import Counter

from chassis.identity import Identity
from gateway.buckets import Buckets, Quota, Taken
from gateway.config import Config
from gateway.errors import RateLimited
from gateway.route_table import Route

LIMITED = Counter("gateway_rate_limited", "Requests refused because their client asked too often.", ["limit"])

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ONE_HOUSEHOLD = 64
"""Bits of an IPv6 address that tell clients apart: who has one has all that share them (RFC 6177)."""


class Limits:
    """One quota for each request, chosen by its route and by who sends it."""

    def __init__(self, config: Config, buckets: Buckets) -> None:
        self._on = config.rate_limits
        self._buckets = buckets
        self._user = Quota(config.rate_limit_user)
        self._heavy = Quota(config.rate_limit_heavy)
        self._address = Quota(config.rate_limit_address)
        self._sign_in = Quota(config.rate_limit_sign_in)

    def check(self, address: str, identity: Identity | None, route: Route | None) -> Taken | None:
        """Count a request; None where limits are off. Raises RateLimited.

        Without an ``identity`` the address counts: for what is public, and for whatever is refused before it is known
        who asks.
        """
        if not self._on:
            return None
        if identity is not None:
            kind, who = "user", identity.user_id
            quota = self._user
            if route and route.is_heavy:
                kind, quota = "heavy", self._heavy
        else:
            kind, who = "address", _household(address)
            quota = self._address
            if route and route.is_public and route.method not in _SAFE:
                kind, quota = "sign-in", self._sign_in
        taken = self._buckets.take(kind, who, quota)
        if not taken.passes:
            LIMITED.labels(kind).inc()
            raise RateLimited(headers={"Retry-After": str(max(1, ceil(taken.again_after))), **quota_headers(taken)})
        return taken


def quota_headers(taken: Taken) -> dict[str, str]:
    """What a client is told of its quota (draft-ietf-httpapi-ratelimit-headers-06), in requests and seconds."""
    return {
        "RateLimit-Limit": str(taken.limit),
        "RateLimit-Remaining": str(taken.remaining),
        "RateLimit-Reset": str(ceil(taken.full_after)),
    }


@lru_cache(maxsize=4096)
def _household(address: str) -> str:
    if ":" not in address:
        return address
    full = ipaddress.IPv6Address(address.partition("%")[0])
    if full.ipv4_mapped:
        return str(full.ipv4_mapped)
    return str(ipaddress.IPv6Network((full, _ONE_HOUSEHOLD), strict=False))
