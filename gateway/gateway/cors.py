"""Cross-origin requests: which web front ends may read answers in a browser (the WHATWG Fetch standard)."""

from collections.abc import Collection, Iterable, Mapping

ANY = "*"
Headers = list[tuple[str, str]]

_KEPT_SECONDS = "600"
_ASKED_WITH = (
    "Accept, Accept-Language, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id"
)
_TOLD = "Allow, ETag, Idempotency-Replayed, Location, Retry-After, X-Request-Id"


class Cors:
    """Headers for the origins of CORS_ORIGINS and for no other; without any origin, no header at all.

    Credentials (cookies) are never allowed: who calls is told by a token, which a page has to have.
    """

    def __init__(self, origins: Collection[str]) -> None:
        self._origins = frozenset(origins)

    def headers(self, environ: Mapping[str, str], methods: Iterable[str] = ()) -> Headers:
        """What an answer carries besides; with ``methods`` it answers a preflight request for one of them."""
        if not self._origins:
            return []
        if ANY in self._origins:
            allowed: Headers = [("Access-Control-Allow-Origin", ANY)]
        else:
            # a cache must not give one origin's answer to another, nor to somebody without one
            allowed = [("Vary", "Origin")]
            origin = environ.get("HTTP_ORIGIN")
            if origin not in self._origins:
                return allowed
            allowed.append(("Access-Control-Allow-Origin", origin))
        if "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ and environ["REQUEST_METHOD"] == "OPTIONS":
            allowed += [
                ("Access-Control-Allow-Methods", ", ".join(methods)),
                ("Access-Control-Allow-Headers", _ASKED_WITH),
                ("Access-Control-Max-Age", _KEPT_SECONDS),
            ]
        else:
            allowed.append(("Access-Control-Expose-Headers", _TOLD))
        return allowed
