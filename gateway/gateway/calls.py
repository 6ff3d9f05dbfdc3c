"""What the gateway asks of services beside the events that it hears: plain JSON over HTTP, each answer one field."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Asked:
    """An internal endpoint and what is read of its answer: ``field``, of the type ``reads``."""

    service: str
    path: str
    field: str
    reads: Any

    @property
    def all(self) -> tuple[str, str]:
        """Path and field, of an endpoint that tells of all at once."""
        return self.path, self.field

    @property
    def each(self) -> tuple[str, str]:
        """What an id is put after in the path, and the field, of an endpoint that tells of one."""
        return self.path.removesuffix("/{id}"), self.field


ENDED_SESSIONS = Asked("auth-service", "/internal/revocations", "sessions", dict[str, float])
CLOSED_ACCOUNTS = Asked("user-service", "/internal/closures", "users", dict[str, float])
LIVE_SESSION = Asked("auth-service", "/internal/sessions/{id}", "live", bool)
ACTIVE_ACCOUNT = Asked("user-service", "/internal/accounts/{id}", "active", bool)
