"""Who connected: the address that a request came from, also where a balancer stands before the gateway."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientAddress:
    """Believes ``X-Forwarded-For`` from the TRUSTED_PROXIES alone, and of it only what they themselves wrote.

    Each proxy appends who connected to it; so from the right, the first address that is none of theirs is the client,
    and what stands before it is the client's own claim.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = trusted

    def of(self, environ: "WSGIEnvironment") -> str:
        """The client's address; of the nearest proxy where the header does not tell."""
        address: str = environ["REMOTE_ADDR"]
        if not self._trusted:
            return address
        claimed = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        while claimed and self._is_proxy(address):
            parsed = _parsed(claimed.pop().strip())
            if parsed is None:
                break
            address = str(parsed)
        return address

    def is_behind_proxy(self, environ: "WSGIEnvironment") -> bool:
        """Whether one of the TRUSTED_PROXIES connected."""
        return bool(self._trusted) and self._is_proxy(environ["REMOTE_ADDR"])

    def _is_proxy(self, address: str) -> bool:
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
