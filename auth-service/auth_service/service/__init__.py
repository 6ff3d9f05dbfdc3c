"""auth-service's use cases, a room for each kind of thing."""

from dataclasses import dataclass

from auth_service.service.accounts import Accounts
from auth_service.service.sessions import Sessions


@dataclass(frozen=True)
class Service:
    """All use cases: what routes, consumer and RPC call."""

    accounts: Accounts
    sessions: Sessions
