"""auth-service's use cases, a room for each kind of thing."""

from dataclasses import dataclass

from auth_service.service.accounts import Accounts
from auth_service.service.one_time_tokens import OneTimeTokens
from auth_service.service.passwords import PasswordChanges
from auth_service.service.revocations import Revocations
from auth_service.service.sessions import Sessions
from auth_service.service.verification import Verification


@dataclass(frozen=True)
class Service:
    """All use cases: what routes, consumer and RPC call."""

    accounts: Accounts
    sessions: Sessions
    revocations: Revocations
    passwords: PasswordChanges
    verification: Verification
    one_time_tokens: OneTimeTokens
